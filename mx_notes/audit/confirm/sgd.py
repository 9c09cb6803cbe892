"""The update that SGD promises, recomputed in NumPy."""

from __future__ import annotations

import numpy as np

from ..graph.values import read
from ..trace.step import UpdateSample


def expected_weight(sample: UpdateSample, velocity: np.ndarray | None = None) -> np.ndarray:
    """The sampled elements (N,) of the weight after v = momentum v - lr (rescale clip(g) + wd w), w = w + v, in float64.

    velocity: (N,), v before the update; None: the optimiser's own state.

    Source: mxnet/optimizer/optimizer.py, class SGD; src/operator/optimizer_op-inl.h,
    SGDMomKernel, which rescales, then clips, then adds the weight decay.
    """
    master, kept = _split(sample)
    velocity = kept if velocity is None else velocity
    gradient = read(sample.gradient).astype(np.float64) * sample.rescale
    if sample.clip:
        gradient = np.clip(gradient, -sample.clip, sample.clip)
    step = sample.learning_rate * (gradient + sample.weight_decay * master)
    return master + sample.momentum * velocity - step


def relative_difference(sample: UpdateSample) -> float:
    """The largest difference between the weight written and the expected one, relative to the largest weight.

    Float32 rounds w + v to within 6e-8 of the largest weight, and v a few times. A float16 weight is the float32
    master copy after the update, rounded: half a unit of float16 is no difference, more has the tolerance of float32.
    """
    expected, written = expected_weight(sample), read(sample.weight_after)
    difference = np.abs(written - expected)
    if written.dtype == np.float16:
        difference = np.maximum(difference - np.spacing(np.abs(written)).astype(np.float64) / 2, 0)
    return float(difference.max() / max(np.abs(expected).max(), 1e-30))


def _split(sample: UpdateSample) -> tuple[np.ndarray, np.ndarray]:
    """The master weight and v in float64; with multi_precision the state is (v, float32 master copy)."""
    state, master = sample.state_before, sample.weight_before
    if isinstance(state, tuple):
        state, master = state
    master = read(master).astype(np.float64)
    velocity = np.zeros_like(master) if state is None else read(state).astype(np.float64)
    return master, velocity
