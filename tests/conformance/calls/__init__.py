"""Short calls of MXNet and GluonCV, by area. Each gives the same on any Python and NumPy, or it is named in docs/numpy2.md.

A module's CALLS are functions without arguments, by name. They run with the plain MXNet 1.9.1 of its day, too, so
nothing here imports mx_notes. Numbers are small and exact where the machine's own order of adding might show.
"""

import numpy as np

# The ways in which programs write a few whole numbers that NumPy has computed.
SPELLINGS = {
    "a tuple of np.int64": lambda *numbers: tuple(np.array(numbers, dtype=np.int64)),
    "a list of np.int32": lambda *numbers: list(np.array(numbers, dtype=np.int32)),
    "np.int64 among int": lambda first, *rest: (np.int64(first), *rest),
}


def spelled(calls):
    """Each call of a dict, for each spelling, which it takes as its argument."""
    return {
        f"{name}, {spelling}": (lambda call=call, numbers=numbers: call(numbers))
        for name, call in calls.items()
        for spelling, numbers in SPELLINGS.items()
    }


def grid(*shape, dtype="float32"):
    """0, 1, 2, … in a NumPy array."""
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)
