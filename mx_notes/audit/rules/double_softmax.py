"""The rule double-softmax."""

from __future__ import annotations

from collections import Counter

from ..trace.step import Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule, first
from ._logits import judge, squashed

LOOKS = 2  # at each network: a loss's input stays what it is, and telling costs a forward pass


class DoubleSoftmax(Rule):
    """The loss takes logits where it expects logits, and probabilities where it expects probabilities."""

    id, severity, sampled_only = "double-softmax", ERROR, True
    sees = "the operators between the network and its loss, and the values that the loss is given"
    wrong = "loss = SoftmaxCrossEntropyLoss()(net(x).softmax(), y)"
    right = "loss = SoftmaxCrossEntropyLoss()(net(x), y)"
    note = "Softmax turns scores into probabilities: exp(i) over the sum of exp(j)."

    def __init__(self) -> None:
        self.looked: Counter[int] = Counter()  # by network

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Judge the input of each loss."""
        judged: list[Message | None] = []
        for look in step.looks:
            network = hash(tuple(node.op for node in look.graph.nodes))
            self.looked[network] += 1
            if self.looked[network] <= LOOKS:
                judged += [*judge(look.graph), *squashed(look.graph)]
        return first(judged) if judged else NOTHING_TO_CHECK
