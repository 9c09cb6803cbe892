"""norm, np.linalg.norm and multi_sum_sq (LARS, LAMB) of float32 arrays of more than some 10^7 elements."""

from __future__ import annotations

from typing import Any

from ._door import Call, answer

FILE = "src/operator/tensor/broadcast_reduce_op.h, src/operator/numpy/linalg/np_norm-inl.h, src/operator/contrib/multi_sum_sq.cc"
FROBENIUS = ("1", "-2")  # what mx.np.linalg passes as `flag` for the root of the sum of all squares


def apply() -> None:
    """Take the root of `sum`, which adds in parts."""
    answer(("norm",), _norm)
    answer(("_npi_norm",), _numpy_norm)
    answer(("multi_sum_sq",), _sums)


def _norm(call: Call) -> Any:
    if str(call.attributes.get("ord", 2)) != "2" or call.attributes.get("out_dtype") not in (None, "None"):
        return None
    kept = {key: value for key, value in call.attributes.items() if key in ("axis", "keepdims")}
    return call.F.sqrt(call.F.sum(call.F.square(call.inputs[0]), **kept))


def _numpy_norm(call: Call) -> Any:
    axis, order, flag = (call.attributes.get(key) for key in ("axis", "ord", "flag"))
    of_vectors = str(flag) == "-1" and order == 2 and axis is not None and len(axis) == 1
    if str(flag) not in FROBENIUS and not of_vectors:
        return None
    np = call.F.np
    return np.sqrt(np.sum(np.square(call.inputs[0]), axis=axis, keepdims=call.is_set("keepdims")))


def _sums(call: Call) -> Any:
    if call.symbolic:
        return None
    sums = [call.F.sum(call.F.square(x.astype("float32"))).reshape((1,)) for x in call.inputs]
    return call.F.concat(*sums, dim=0) if len(sums) > 1 else sums[0]
