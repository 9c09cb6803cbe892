"""norm and multi_sum_sq (LARS, LAMB) of float32 arrays with more than some 10^7 elements, which lose the small terms."""

from __future__ import annotations

from typing import Any

from ._door import Call, replace

FILE = "src/operator/tensor/broadcast_reduce_op.h, src/operator/contrib/multi_sum_sq.cc"


def apply() -> None:
    """Take the root of `sum`, which adds in parts."""
    replace(("norm",), _norm)
    replace(("multi_sum_sq",), _sums)


def _norm(call: Call) -> Any:
    if str(call.attributes.get("ord", 2)) != "2" or call.attributes.get("out_dtype") not in (None, "None"):
        return None
    kept = {key: value for key, value in call.attributes.items() if key in ("axis", "keepdims")}
    return call.F.sqrt(call.F.sum(call.F.square(call.inputs[0]), **kept))


def _sums(call: Call) -> Any:
    if call.symbolic:
        return None
    sums = [call.F.sum(call.F.square(x.astype("float32"))).reshape((1,)) for x in call.inputs]
    return call.F.concat(*sums, dim=0) if len(sums) > 1 else sums[0]
