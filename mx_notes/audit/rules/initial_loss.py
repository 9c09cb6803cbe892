"""The rule initial-loss."""

from __future__ import annotations

import math

import numpy as np

from ..graph.operators import LOG_SOFTMAX, PICKS
from ..trace.step import Look, Step
from . import NOTHING_TO_CHECK, WARNING, Findings, NothingToCheck, Rule, first
from ._classes import classifications, ignored, number_of_classes
from ._logits import above


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
    for scores, label, node in classifications(look.graph):
        classes, values, labels = number_of_classes(node, scores), scores.value, label.value
        if (
            node.kind == "SVMOutput"
            or scores.node
            in look.graph.below(label.node)  # a margin: the label's score is lowered on purpose
            or not classes
            or values is None
            or labels is None
            or values.ndim != 2
            or labels.ndim != 1
        ):
            continue
        if node.kind not in PICKS:
            values = values - values.max(axis=1, keepdims=True)
            values = values - np.log(np.exp(values).sum(axis=1, keepdims=True))
        elif not above(scores, LOG_SOFTMAX):
            continue
        counted = ~ignored(node, labels)
        values, chosen = values[counted], np.clip(labels[counted].astype(int), 0, classes - 1)
        if not chosen.size:
            continue
        loss, expected = -float(values[np.arange(len(chosen)), chosen].mean()), math.log(classes)
        if loss <= 2 * expected + 1:
            return []
        return first(
            [
                f"the first loss is {loss:.3g}, ln({classes}) = {expected:.3g} is that of an undecided network: the"
                " start is too large, or the labels don't fit"
            ]
        )
    return NOTHING_TO_CHECK
