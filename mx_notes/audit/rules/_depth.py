"""The gradients of a network's first and last layers, relative to their weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...runtime import mx
from ..graph.values import read
from ..trace.step import Step

FEWEST = 4  # weight matrices, to speak of depth


@dataclass(frozen=True)
class Ratios:
    """Norm of the gradient over norm of the weights."""

    first: float
    last: float


def ratios(step: Step) -> Ratios | None:
    """Those of the first and the last weight matrices of a sampled step; None with fewer than FEWEST, or of unknown order."""
    weights = [s for s in step.samples if len(s.shape) >= 2 and _norm(s.weight_before) > 0]
    if len(weights) < FEWEST:
        return None
    # In the order of the forward pass: a Trainer sorts names as text, dense10 before dense2.
    order = {leaf.name: place for look in step.looks for place, leaf in enumerate(look.graph.leaves)}
    if not all(sample.name in order for sample in weights):
        return None
    weights.sort(key=lambda sample: order[sample.name])
    found = [_norm(s.gradient) / _norm(s.weight_before) for s in (weights[0], weights[-1])]
    return Ratios(*found) if all(map(math.isfinite, found)) else None


def _norm(array: mx.nd.NDArray) -> float:
    return math.sqrt(float(np.square(read(array).astype(np.float64)).sum()))
