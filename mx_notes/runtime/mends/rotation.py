"""The gradient of mx.np.rot90, which is turned the same way again instead of back."""

from __future__ import annotations

from typing import Any

from ._door import Call, answer

FILE = "src/operator/numpy/np_matrix_op-inl.h"


def apply() -> None:
    """Compose it from flips and an exchange of axes."""
    answer(("_npi_rot90",), _turned)


def _turned(call: Call) -> Any:
    np, (x,) = call.F.np, call.inputs
    one, other = call.attributes.get("axes") or (0, 1)
    turns = int(call.attributes.get("k", 1)) % 4
    if turns == 0:
        return x * 1
    if turns == 2:
        return np.flip(np.flip(x, one), other)
    if turns == 1:
        return np.swapaxes(np.flip(x, other), one, other)
    return np.flip(np.swapaxes(x, one, other), other)
