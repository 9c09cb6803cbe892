"""The update that SGD promises, recomputed in NumPy."""

from __future__ import annotations

import numpy as np

from ...runtime import mx
from ..trace.step import UpdateSample

ELEMENTS = 10_000  # of a parameter that are recomputed


def elements(array: mx.nd.NDArray) -> np.ndarray:
    """About so many of an array's elements, (N,), evenly spaced, the same ones of arrays of one shape."""
    values = array.asnumpy().ravel()
    return values[:: max(1, values.size // ELEMENTS)]


def expected_weight(sample: UpdateSample, velocity: np.ndarray | None = None) -> np.ndarray:
    """The `elements` (N,) of the weight after v = momentum v - lr (rescale clip(g) + wd w), w = w + v, in float64.

    velocity: (N,), v before the update; None: what the optimiser keeps as its state.

    Source: mxnet/optimizer/optimizer.py, class SGD; src/operator/optimizer_op-inl.h,
    SGDMomKernel, which rescales, then clips, then adds the weight decay.
    """
    master, kept = _split(sample)
    velocity = kept if velocity is None else velocity
    gradient = elements(sample.gradient).astype(np.float64) * sample.rescale
    if sample.clip:
        gradient = np.clip(gradient, -sample.clip, sample.clip)
    step = sample.learning_rate * (gradient + sample.weight_decay * master)
    return master + sample.momentum * velocity - step


def relative_difference(sample: UpdateSample) -> float:
    """The largest difference between the weight written and the expected one, relative to the largest weight.

    Float32 rounds w + v to within 6e-8 of the largest weight, and v a few times.
    """
    expected = expected_weight(sample)
    scale = max(float(np.abs(expected).max()), 1e-30)
    return float(np.abs(elements(sample.weight_after) - expected).max()) / scale


def _split(sample: UpdateSample) -> tuple[np.ndarray, np.ndarray]:
    """The master weight and v in float64; with multi_precision the state is (v, float32 master copy)."""
    state, master = sample.state_before, sample.weight_before
    if isinstance(state, tuple):
        state, master = state
    master = elements(master).astype(np.float64)
    velocity = np.zeros_like(master) if state is None else elements(state).astype(np.float64)
    return master, velocity
