"""The names that NumPy has lost since MXNet 1.9.1 was released, and MXNet still reads."""

from __future__ import annotations

from collections.abc import Callable

# Names that NumPy removed in 1.20, 1.24 and 2.0, with their names of today.
RENAMED = {
    "PINF": "inf",
    "Inf": "inf",
    "Infinity": "inf",
    "infty": "inf",
    "NaN": "nan",
    "NAN": "nan",
    "float_": "float64",
    "complex_": "complex128",
    "unicode_": "str_",
    "string_": "bytes_",
    "alltrue": "all",
    "sometrue": "any",
    "product": "prod",
    "cumproduct": "cumprod",
    "row_stack": "vstack",
    "trapz": "trapezoid",
    "round_": "round",
}
BUILTINS = {"bool": bool, "int": int, "float": float, "complex": complex, "object": object, "str": str}
FINANCIAL = ("fv", "ipmt", "irr", "mirr", "nper", "npv", "pmt", "ppmt", "pv", "rate")


def restore_numpy_names() -> None:
    """Give NumPy the names that `import mxnet` reads and newer NumPys lack; `prepare` does."""
    import numpy as np

    def in1d(ar1, ar2, assume_unique=False, invert=False):
        return np.isin(np.ravel(ar1), ar2, assume_unique=assume_unique, invert=invert)

    def msort(a):
        return np.sort(a, axis=0)

    def asfarray(a, dtype=np.float64):
        return np.asarray(a, dtype if np.issubdtype(dtype, np.inexact) else np.float64)

    names = {
        **BUILTINS,
        **{old: getattr(np, new) for old, new in RENAMED.items() if hasattr(np, new)},
        **{name: _moved_to_numpy_financial(name) for name in FINANCIAL},
        **{"PZERO": 0.0, "NZERO": -0.0, "NINF": -np.inf},
        **{"in1d": in1d, "msort": msort, "asfarray": asfarray},
    }
    present = vars(np)  # not hasattr: NumPy's own __getattr__ warns about some of these names
    for name, value in names.items():
        if name not in present:
            setattr(np, name, value)


def _moved_to_numpy_financial(name: str) -> Callable:
    def function(*args, **kwargs):
        raise RuntimeError(f"numpy.{name} has left NumPy; it is numpy_financial.{name}")

    function.__name__ = name
    return function
