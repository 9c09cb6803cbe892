"""`np.array(a)`, `np.all(a == b)`, `np.testing.assert_allclose(a, b)` of MXNet's arrays.

An `NDArray` (mxnet/ndarray/ndarray.py:223) offers NumPy nothing but its length and its items, each of which
is an array with a length again. NumPy before 1.24 goes 32 deep into it and takes what it then finds.
Later NumPys refuse.
"""

from __future__ import annotations

import numpy as np


def needed() -> bool:
    """Whether NumPy refuses to look for numbers so deep."""
    return np.lib.NumpyVersion(np.__version__) >= "1.24.0"


def mend() -> None:
    """Give arrays the method by which NumPy asks for an array."""
    from mxnet.ndarray import NDArray

    def __array__(self, dtype=None, copy=None):
        return self.asnumpy() if dtype is None else self.asnumpy().astype(dtype, copy=False)

    NDArray.__array__ = __array__
