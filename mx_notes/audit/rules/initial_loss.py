"""The rule initial-loss."""

from __future__ import annotations

import math

from ..trace.step import Look, Step
from . import NOTHING_TO_CHECK, WARNING, Findings, NothingToCheck, Rule, first
from ._guesses import classified


class InitialLoss(Rule):
    """The first loss is near ln(classes), that of an undecided network."""

    id, severity, sampled_only = "initial-loss", WARNING, True
    sees = "the scores and labels of the first step"
    wrong = "net.initialize(mx.init.Normal(1))"
    right = "net.initialize(mx.init.Xavier())"

    def __init__(self) -> None:
        self.done = False

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Compute the loss of the first step, once."""
        if self.done or not step.looks or step.number > 1:
            return NOTHING_TO_CHECK
        self.done = True
        return _judge(step.looks[0])


def _judge(look: Look) -> Findings | NothingToCheck:
    for examples in classified(look.graph):
        classes = examples.values.shape[1]
        loss, expected = examples.loss, math.log(classes)
        if loss <= 2 * expected + 1:
            return []
        return first(
            [
                f"the first loss is {loss:.3g}, ln({classes}) = {expected:.3g} is that of an undecided network: the"
                " start is too large, or the labels don't fit"
            ]
        )
    return NOTHING_TO_CHECK
