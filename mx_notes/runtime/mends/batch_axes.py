"""The gradient of mx.np.matmul where several batch axes are broadcast, for arrays (in graphs the shapes are unknown)."""

from __future__ import annotations

from typing import Any

from ..opening import mxnet
from ._door import Call, answer

FILE = "src/operator/numpy/np_matmul_op-inl.h"


def apply() -> None:
    """Broadcast before multiplying."""
    answer(("_npi_matmul",), _broadcast)


def _broadcast(call: Call) -> Any:
    if call.symbolic:
        return None
    shapes = [each.shape for each in call.inputs]
    if min(map(len, shapes)) < 2 or max(map(len, shapes)) < 3 or shapes[0][:-2] == shapes[1][:-2]:
        return None
    import numpy

    batch = numpy.broadcast_shapes(*(shape[:-2] for shape in shapes))
    np = mxnet().np
    wide = [np.broadcast_to(x, (*batch, *shape[-2:])) for x, shape in zip(call.inputs, shapes, strict=True)]
    return call.original(*wide)
