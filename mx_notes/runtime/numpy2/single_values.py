"""`float(loss.asnumpy())`, `int(…)`, `"%f" % …` and `numbers[i] = …` of an array with one value.

MXNet's sums and means have the shape (1,), mxnet/ndarray/ndarray.py:2550 (`asnumpy`) gives them as such, and
old programs write `float(loss.mean().asnumpy())`. NumPy 1.25 warns of it, later ones refuse any array but
those without dimensions.
"""

from __future__ import annotations

import functools
import operator
import warnings

import numpy as np

from .scalar_sums import widening


def needed() -> bool:
    """Whether NumPy refuses to take an array of one value for a number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            float(np.ones(1))
        except TypeError:
            return True
    return False


def mend() -> None:
    """Have `asnumpy` give arrays of one value that convert to a number."""
    from mxnet.ndarray import NDArray

    asnumpy = NDArray.asnumpy

    @functools.wraps(asnumpy)
    def with_single_values(self):
        values = asnumpy(self)
        return values.view(_Values) if values.size == 1 and values.ndim else values

    NDArray.asnumpy = with_single_values


class _Values(np.ndarray):
    """An array like any other, until a number is asked of it. What is computed from it is of this kind too."""

    def __getitem__(self, key: object) -> object:
        return widening(super().__getitem__(key))  # total += loss.asnumpy()[0]

    def __float__(self) -> float:
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def __complex__(self) -> complex:
        return complex(self._number())

    def __index__(self) -> int:
        return operator.index(np.asarray(self))

    def _number(self) -> object:
        return (
            self.item() if self.size == 1 else np.asarray(self)
        )  # float() of which raises NumPy's own error

    def __repr__(self) -> str:
        return repr(np.asarray(self))

    def __reduce__(self):
        return np.asarray(self).__reduce__()

    def __reduce_ex__(self, protocol):
        return np.asarray(self).__reduce_ex__(protocol)

    def __deepcopy__(self, memo):
        return self.copy()
