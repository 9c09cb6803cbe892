"""The rule momentum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...runtime import mx
from ..confirm.sgd import expected_weight
from ..graph.graph import fixed_gammas
from ..graph.values import read
from ..trace.step import Step, UpdateSample
from . import ERROR, NOTHING_TO_CHECK, Findings, NothingToCheck, Rule, first

TOLERANCE = 1e-4  # relative to the largest change; float32 arithmetic gives 1e-6
OTHERS = ("NAG", "LBSGD", "DCASGD")  # derived from SGD, and another update


@dataclass(frozen=True)
class Movement:
    """A parameter's values (N,) before and after its update in a sampled step."""

    step: int
    before: np.ndarray
    after: np.ndarray


class Momentum(Rule):
    """The update is v = mu v - lr (g + wd w), w = w + v, as SGD promises."""

    id, severity, sampled_only = "momentum", ERROR, True
    sees = "samples of gradient, weight and state around each update by SGD"
    wrong = "MySGD(momentum=0.9)  # derived from mx.optimizer.SGD, and forgets v"
    right = "mx.optimizer.SGD(momentum=0.9)"
    note = "v = mu v - learning_rate dw, w = w + v; v is 0 at first."

    def __init__(self) -> None:
        self.moved: dict[tuple, Movement] = {}  # by parameter, device and shape: two may have one name

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Recompute each update in NumPy."""
        # A fixed gamma is set back to 1 by the next forward pass, whatever the update made of it.
        fixed = {gamma for look in step.looks for gamma in fixed_gammas(look.graph)}
        samples = [s for s in step.samples if _is_sgd(s.optimizer) and s.name not in fixed]
        if not samples:
            return NOTHING_TO_CHECK
        anew = {update.name for update in step.updates if update.fresh_state}  # optimizer-reset says so
        for sample in samples:
            found = self._judge(sample, step.number, sample.name in anew)
            if found:
                return first([found])
        return []

    def _judge(self, sample: UpdateSample, step: int, anew: bool) -> str | None:
        expected = expected_weight(sample)
        before, after = read(sample.weight_before), read(sample.weight_after)
        key = (sample.name, str(sample.weight_before.context), sample.shape)
        earlier = self.moved.get(key)
        self.moved[key] = Movement(step, before, after)
        if not np.isfinite(after).all() or not np.isfinite(expected).all():
            return None
        followed = earlier and earlier.step == step - 1 and before.dtype == np.float32 and not anew
        if followed and (earlier.after == before).all():
            # The weight's last movement is v, wherever the optimiser keeps it.
            expected = expected_weight(sample, velocity=before.astype(np.float64) - earlier.before)
        change = np.abs(expected - before).max(initial=0)
        rounding = (1e-3 if after.dtype == np.float16 else 1e-6) * max(np.abs(before).max(initial=0), change)
        rounding += np.finfo(after.dtype).tiny  # below it, numbers have fewer digits, or become 0
        off = np.abs(after - expected).max(initial=0)
        if off <= TOLERANCE * change + rounding:
            return None
        return (
            f"the update of {sample.name} is not v = {sample.momentum:g} v - lr (g + wd w), w = w + v: it is off by"
            f" {off:.3g} where the weight had to move by {change:.3g}"
        )


def _is_sgd(optimizer: mx.optimizer.Optimizer) -> bool:
    return isinstance(optimizer, mx.optimizer.SGD) and type(optimizer).__name__ not in OTHERS
