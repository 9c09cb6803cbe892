"""grad_req="add" of the operators that overwrite, divide or lose what was accumulated (mean, clip, split, linalg …).

Where MXNet adds into an operator's input itself, that input is read through a copy: the copy's gradient is
added right.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from ..opening import mxnet
from ._door import Call, answer

FILE = "src/operator/tensor, src/operator/numpy, src/operator/contrib: the backward functions that ignore req"
ALL = range(9)
_number = count()
OPERATORS = {
    # operator: the inputs that it does not add to
    **dict.fromkeys(
        ("mean", "_npi_mean", "moments", "clip", "reverse", "_npi_flip", "_np_cumsum", "_split_v2"), ALL
    ),
    **dict.fromkeys(("_npi_hsplit", "_npi_dsplit", "_np_trace", "_npi_diff", "_npi_norm", "Crop"), ALL),
    **dict.fromkeys(("_linalg_gemm", "_linalg_gemm2", "_linalg_trmm", "_linalg_trsm", "_linalg_gelqf"), ALL),
    **dict.fromkeys(
        ("_linalg_inverse", "_linalg_syevd", "_npi_solve", "_npi_tensorinv", "_npi_tensorsolve"), ALL
    ),
    **dict.fromkeys(("_np_dot", "_npi_tensordot", "_npi_tensordot_int_axes", "_npi_einsum"), ALL),
    **dict.fromkeys(
        ("SpatialTransformer", "_contrib_DeformableConvolution", "LRN", "amp_cast", "amp_multicast"), ALL
    ),
    **dict.fromkeys(("SoftmaxOutput", "SVMOutput", "LinearRegressionOutput"), (0,)),
    **dict.fromkeys(("LogisticRegressionOutput", "MAERegressionOutput", "_contrib_boolean_mask"), (0,)),
    "_npi_where": (1, 2),
}


def apply() -> None:
    """Put the copies where they are needed: before leaves while MXNet records, before any input in a graph."""
    for operator, places in OPERATORS.items():
        answer((operator,), _behind_copies(places))
    answer(("Convolution",), _pointwise)
    _mend_tensordot()


def _behind_copies(places: Any) -> Any:
    def copied_first(call: Call) -> Any:
        copied = [_copy(call, each) if i in places else each for i, each in enumerate(call.inputs)]
        if all(one is other for one, other in zip(copied, call.inputs, strict=True)):
            return None
        return call.go_on(*copied)

    return copied_first


def _pointwise(call: Call) -> Any:
    """A convolution of size 1, which does not add to its data's gradient where oneDNN does not compute it."""
    if set(str(call.attributes["kernel"])) - set("()[], 1"):
        return None
    return _behind_copies((0,))(call)


def _copy(call: Call, value: Any) -> Any:
    if call.symbolic:
        copied = value * 1
        # MXNet makes one node of equal ones, and into a copy that is read eight times the operators add again.
        copied._set_attr(__copy__=str(next(_number)))
        return copied
    if mxnet().autograd.is_recording() and value.grad is not None:
        return value * 1
    return value


def _mend_tensordot() -> None:
    """mx.np.tensordot of arrays goes past the generated functions."""
    mx = mxnet()
    from mxnet.ndarray.numpy import _api_internal

    own = _api_internal.tensordot

    def tensordot(a, b, axes):
        if mx.autograd.is_recording():
            a, b = (each if each.grad is None else each * 1 for each in (a, b))
        return own(a, b, axes)

    _api_internal.tensordot = tensordot
