"""A number that tells batches apart."""

from __future__ import annotations

import ctypes

import numpy as np

from ...runtime import mx
from ..graph.values import read, wait_for


def fingerprint(batch: mx.nd.NDArray) -> int:
    """A number for a dense batch: of all values of a small one, of three examples of a large one.

    Waits for the batch, not for the network.
    """
    rows = [0] if batch.size <= 4096 else [0, len(batch) // 2, len(batch) - 1]
    if batch.context.device_type == "gpu":
        with mx.autograd.pause():  # taking a part would be recorded
            parts = [batch[row] for row in rows] if len(rows) > 1 else [batch]
        return hash(b"".join(read(part).tobytes() for part in parts))
    size = batch.size * np.dtype(batch.dtype).itemsize
    row = size // len(batch) if len(rows) > 1 else size
    wait_for(batch)
    address = ctypes.c_void_p()
    mx.base.check_call(mx.base._LIB.MXNDArrayGetData(batch.handle, ctypes.byref(address)))
    return hash(b"".join(ctypes.string_at(address.value + i * row, row) for i in rows))
