"""The bias's gradient of a Dense or FullyConnected whose weight is frozen.

With oneDNN the bias's gradient is written only together with the weight's.
"""

from __future__ import annotations

from typing import Any

from ..opening import mxnet
from ._door import Call, answer

FILE = "src/operator/nn/mkldnn/mkldnn_fully_connected.cc"


def apply() -> None:
    """Add the bias by an operator of its own, where the weight may have no gradient."""
    answer(("FullyConnected",), _apart)


def _apart(call: Call) -> Any:
    if len(call.inputs) < 3 or call.is_set("no_bias"):
        return None
    data, weight, bias = call.inputs
    if not call.symbolic and (not mxnet().autograd.is_recording() or weight.grad is not None):
        return None
    if call.symbolic and bias.get_children() is None and "__shape__" not in bias.list_attr():
        bias._set_attr(__shape__=f"({call.attributes['num_hidden']},)")  # addition can't infer it
    product = call.original(data, weight, no_bias=True)
    total = product.as_np_ndarray() + bias.as_np_ndarray()  # of any number of axes
    return total if type(total) is type(product) else total.as_nd_ndarray()
