"""NumPy's boolean masks as indices: mx.nd takes them for the positions 0 and 1, mx.np assigns to other elements."""

from __future__ import annotations

from typing import Any

import numpy

from ..opening import mxnet

FILE = "python/mxnet/ndarray/ndarray.py, python/mxnet/numpy/multiarray.py"


def apply() -> None:
    """Index with the positions of what is true (mx.nd), with a mask of MXNet's own (mx.np)."""
    mx = mxnet()
    for kind, converted in (
        (mx.nd.NDArray, _positions),
        (mx.np.ndarray, lambda mask: mx.np.array(mask, dtype="bool")),
    ):
        for method in ("__getitem__", "__setitem__"):
            setattr(kind, method, _converting(getattr(kind, method), converted, kind))


def _converting(own: Any, converted: Any, kind: type) -> Any:
    mx = mxnet()

    def method(self, key, *value):
        if isinstance(self, mx.np.ndarray) == (kind is mx.np.ndarray) and _is_mask(key):
            key = converted(numpy.asarray(key))
        return own(self, key, *value)

    return method


def _is_mask(key: Any) -> bool:
    if isinstance(key, list):
        return bool(key) and all(isinstance(each, (bool, numpy.bool_)) for each in key)
    return isinstance(key, numpy.ndarray) and key.dtype == bool and key.ndim > 0


def _positions(mask: numpy.ndarray) -> Any:
    places = numpy.nonzero(mask)
    return places[0] if mask.ndim == 1 else tuple(places)
