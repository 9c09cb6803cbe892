"""A program's own sums: `total += loss.mean().asscalar()`.

mxnet/ndarray/ndarray.py:2574 (`asscalar`) gives a NumPy scalar of the array's precision. With a number of Python's,
NumPy up to 1.26 computes in float64, or int64. From 2.0 on Python's number gives way: the sum stays float32, or
float16, which ends at 65504, or uint8.
"""

from __future__ import annotations

import functools
import operator

import numpy as np

NARROW = (np.float16, np.float32, np.int8, np.int16, np.int32, np.uint8, np.uint16, np.uint32)
ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")
COMPARISONS = ("lt", "le", "eq", "ne", "gt", "ge")


def needed() -> bool:
    """Whether a Python number gives way to a scalar's precision."""
    return type(0.0 + np.float32(0)) is np.float32


def mend() -> None:
    """Have `asscalar` give scalars that compute with Python's numbers in 64 bits."""
    from mxnet.ndarray import NDArray

    asscalar = NDArray.asscalar
    NDArray.asscalar = functools.wraps(asscalar)(lambda self: widening(asscalar(self)))


def widening(value: object) -> object:
    """The scalar as one that computes with Python's numbers in 64 bits; anything else as it is."""
    kind = _KINDS.get(type(value))
    return value if kind is None else kind(value)


def _kind(narrow: type) -> type:
    """A subclass of a scalar type, of the same name."""
    wide = np.float64 if issubclass(narrow, np.floating) else np.int64

    def method(name: str, compute, swapped: bool):
        own = getattr(narrow, name)

        def computed(self, other):
            if type(other) is not float and type(other) is not int:
                return own(self, other)
            return compute(other, wide(self)) if swapped else compute(wide(self), other)

        return computed

    methods = {f"__{name}__": (getattr(operator, name), False) for name in (*ARITHMETIC, *COMPARISONS)}
    methods |= {f"__r{name}__": (getattr(operator, name), True) for name in ARITHMETIC}
    body = {name: method(name, *how) for name, how in methods.items()}
    return type(narrow.__name__, (narrow,), body | {"__hash__": narrow.__hash__, "__module__": "numpy"})


_KINDS = {narrow: _kind(narrow) for narrow in NARROW}
