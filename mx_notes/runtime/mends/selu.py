"""SELU's gradient for negative inputs: gluon.nn.SELU, LeakyReLU(act_type="selu").

MXNet's backward pass takes the operator's output for its input.
"""

from __future__ import annotations

from typing import Any

from ._door import Call, answer

FILE = "src/operator/leaky_relu-inl.h"
ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017


def apply() -> None:
    """Compute SELU as a multiple of ELU, whose gradient is right."""
    answer(("LeakyReLU",), _selu)


def _selu(call: Call) -> Any:
    if call.attributes.get("act_type") != "selu":
        return None
    return call.original(*call.inputs, act_type="elu", slope=ALPHA) * SCALE
