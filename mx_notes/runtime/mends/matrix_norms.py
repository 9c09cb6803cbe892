"""The gradients of np.linalg.norm(matrix, ord=1, 2 or inf), for arrays (in graphs the number of axes is unknown)."""

from __future__ import annotations

from typing import Any

from ._door import Call, answer

FILE = "src/operator/numpy/linalg/np_norm-inl.h"


def apply() -> None:
    """Compose them from sums, or the singular values."""
    answer(("_npi_norm",), _matrix_norm)


def _matrix_norm(call: Call) -> Any:
    (x,), order = call.inputs, call.attributes.get("ord")
    plain = str(call.attributes.get("flag")) == "-1" and call.attributes.get("axis") is None
    if call.symbolic or not plain or call.is_set("keepdims") or x.ndim != 2:
        return None
    np = call.F.np
    if order in (1, float("inf")):
        return np.max(np.sum(np.abs(x), axis=int(order != 1)))
    if order == 2:
        wide = x if x.shape[0] <= x.shape[1] else np.transpose(x)
        return np.max(np.linalg.svd(wide)[1])
    return None
