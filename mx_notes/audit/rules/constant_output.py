"""The rule constant-output."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..trace.step import Look, Step
from . import NOTHING_TO_CHECK, WARNING, Findings, NothingToCheck, Rule, first
from ._guesses import classified, regressed

ALIKE = 1e-4  # between the scores of two examples: no probability differs by more
FEWEST = 8  # examples


class ConstantOutput(Rule):
    """What the network says depends on what it is shown."""

    id, severity, sampled_only = "constant-output", WARNING, True
    sees = "the scores of all examples of a batch, on sampled steps after the first three"
    wrong = "mx.mod.Module(deep).fit(train)  # starts from Uniform(0.01): nothing flows through ten layers"
    right = "mx.mod.Module(deep).fit(train, initializer=mx.init.Xavier())"

    def __init__(self) -> None:
        self.times = 0  # looks in a row

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Compare the scores of the examples with each other; say so at the second time in a row."""
        if step.number < 4 or not step.finite:  # a last layer of zeros, or a small start, is about to move
            return NOTHING_TO_CHECK
        judged = [alike for look in step.looks[:1] for alike in _judge(look)]
        if not judged:
            return NOTHING_TO_CHECK
        self.times = self.times + 1 if all(judged) else 0
        if self.times != 2:
            return []
        return first(
            [
                "the network says the same of every example, though their labels differ: the input does not reach the"
                " output (a start that is too small, such as Module's own Uniform(0.01), dead activations, or an input"
                " that is the same each time)"
            ]
        )


def _judge(look: Look) -> Iterable[bool]:
    for examples in classified(look.graph):
        if len(examples.labels) >= FEWEST and np.ptp(examples.labels):
            yield bool(np.ptp(examples.values, axis=0).max() < ALIKE)
    for predictions, targets in regressed(look.graph):
        if len(targets) >= FEWEST and targets.std(axis=0).max() > 0:
            yield bool(predictions.std(axis=0).max() < ALIKE * targets.std(axis=0).max())
