"""The rule lost-update."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ..graph.values import read
from ..trace.step import Step, UpdateSample
from . import NOTHING_TO_CHECK, WARNING, Findings, NothingToCheck, Rule, first
from ._words import some

LOST = 0.5  # of the elements that have gradient


class LostUpdate(Rule):
    """A weight can hold the change that an update makes."""

    id, severity, sampled_only = "lost-update", WARNING, True
    sees = "samples of float16 weights before and after their update"
    wrong = 'net.cast("float16")\nTrainer(net.collect_params(), "sgd", {"learning_rate": 1e-3})'
    right = 'Trainer(net.collect_params(), "sgd", {"learning_rate": 1e-3, "multi_precision": True})'

    def __init__(self) -> None:
        self.times: Counter[str] = Counter()  # sampled steps in a row, by parameter

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Count the elements that have gradient and did not move; say so at the second time in a row."""
        half = [s for s in step.samples if s.weight_before.dtype == np.float16 and s.learning_rate]
        for sample in half:
            self.times[sample.name] = self.times[sample.name] + 1 if _lost(sample) > LOST else 0
        names = [sample.name for sample in half if self.times[sample.name] == 2]
        if names:
            return first(
                [
                    f"most of {some(names)}, in float16, did not move at the update though it has gradient: the change is"
                    " smaller than the weight's last digit; keep the weights in float32 (multi_precision=True)"
                ]
            )
        return [] if half else NOTHING_TO_CHECK


def _lost(sample: UpdateSample) -> float:
    if sample.weight_after is None or sample.optimizer.multi_precision:
        return 0.0  # then the optimiser's own copy moves, and the weight follows
    moved = read(sample.weight_before) != read(sample.weight_after)
    wanted = read(sample.gradient) != 0
    return float(1 - moved[wanted].mean()) if wanted.any() else 0.0
