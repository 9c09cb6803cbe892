"""NumPy scalars within tuples and lists, as text.

MXNet hands an operator's parameters to C++ as `str(value)`: mxnet/_ctypes/ndarray.py:90 and 119,
mxnet/_ctypes/symbol.py:100 and 131, mxnet/io/io.py:969, mxnet/symbol/symbol.py:676 and 2957. From NumPy
2.0 on, the text of `(np.int64(2),)` is "(np.int64(2),)", which C++ refuses.
"""

from __future__ import annotations

import builtins
import importlib

import numpy as np

AS_BEFORE = "1.25"  # NumPy's own name of the print mode in which a scalar is its number
MODULES = ("_ctypes.ndarray", "_ctypes.symbol", "io.io", "symbol.symbol")


def needed() -> bool:
    """Whether a scalar in a tuple is written with its type."""
    return builtins.str((np.int64(2),)) != "(2,)"


def mend() -> None:
    """Write scalars as numbers: in MXNet's text in every thread, and in what the program itself prints."""
    for name in MODULES:
        importlib.import_module(f"mxnet.{name}").str = str
    # `print(metric.get())` shows 0.5 again, not np.float64(0.5). NumPy keeps print options by thread, so
    # that this alone would not reach a program's other threads.
    np.set_printoptions(legacy=AS_BEFORE)


class _BuiltIn(type):
    def __call__(cls, value: object) -> builtins.str:
        text = builtins.str(value)
        if "np." in text:
            with np.printoptions(legacy=AS_BEFORE):
                text = builtins.str(value)
        return text

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, builtins.str)


class str(metaclass=_BuiltIn):
    """Python's `str` for MXNet's modules: a call gives a string, and `isinstance` holds for strings."""
