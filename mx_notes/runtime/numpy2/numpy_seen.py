"""Functions that some of MXNet's modules use and NumPy has changed or lost, put back for these modules alone.

- `np.array([-1, 256], dtype="uint8")` wraps around, as C does: mxnet/ndarray/ndarray.py:1318 and 3364,
  mxnet/ndarray/sparse.py:816, mxnet/numpy/multiarray.py:2275. NumPy 2 raises OverflowError.
- `np.core.numeric.normalize_axis_tuple`, by `nd.moveaxis`: mxnet/ndarray/ndarray.py:3410 and 3415. NumPy 2 warns.
- `np.compat.basestring`, by `np.pad`: mxnet/ndarray/numpy/_op.py:7563, mxnet/symbol/numpy/_symbol.py:6671.
"""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType, SimpleNamespace

import numpy as np

# The modules, and the names by which they know NumPy.
MODULES = {
    "ndarray.ndarray": "np",
    "ndarray.sparse": "np",
    "numpy.multiarray": "_np",
    "ndarray.numpy._op": "_np",
    "symbol.numpy._symbol": "_np",
}


def needed() -> bool:
    """Whether NumPy refuses a number that its type cannot hold. What NumPy 1.26 warns of still works."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            np.array([-1], dtype="uint8")
        except OverflowError:
            return True
    return False


def mend() -> None:
    """Show these modules a NumPy that has the functions as they were."""
    seen = ModuleType("numpy")
    seen.__dict__.update(vars(np))
    seen.__dict__.update(
        array=_array,
        core=SimpleNamespace(numeric=SimpleNamespace(normalize_axis_tuple=_normalize_axis_tuple)),
        compat=SimpleNamespace(basestring=str),
        __getattr__=lambda name: getattr(np, name),
    )
    for module, name in MODULES.items():
        setattr(importlib.import_module(f"mxnet.{module}"), name, seen)


def _array(values: object, dtype: object = None, **options: object) -> np.ndarray:
    try:
        return np.array(values, dtype=dtype, **options)
    except OverflowError:
        return np.array(values, **options).astype(dtype)


def _normalize_axis_tuple(axis: object, ndim: int) -> tuple[int, ...]:
    return np.lib.array_utils.normalize_axis_tuple(axis, ndim)
