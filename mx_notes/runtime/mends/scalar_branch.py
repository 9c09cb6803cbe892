"""Operators of mx.np with a number for one operand: where(c, x, 2.0), where(c, 2.0, x), arctan2(2.0, x).

The array gets the gradient of the other branch, or arctan2's of exchanged operands.
"""

from __future__ import annotations

from typing import Any

from ._door import Call, answer

FILE = "src/operator/numpy/np_where_op-inl.h, src/operator/numpy/np_elemwise_broadcast_op.cc"


def apply() -> None:
    """Make an array of the number."""
    answer(
        ("_npi_where_lscalar",),
        lambda call: call.F.np.where(call.inputs[0], _filled(call, 1), call.inputs[1]),
    )
    answer(("_npi_where_rscalar",), lambda call: call.F.np.where(*call.inputs, _filled(call, 1)))
    answer(
        ("_npi_rarctan2_scalar",),
        lambda call: call.F.np.arctan2(_filled(call, 0, default=1.0), call.inputs[0]),
    )


def _filled(call: Call, like: int, default: float = 0.0) -> Any:
    return call.F.np.full_like(call.inputs[like], float(call.attributes.get("scalar", default)))
