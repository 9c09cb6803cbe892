"""The rule dead-activation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from ..graph.graph import Graph, Node, Output, above_shape
from ..graph.losses import terms
from ..graph.operators import LOG_SOFTMAX, PICKS, SOFTMAX, SQUARES
from ..trace.step import Look, Step
from . import NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule, first
from ._classes import classifications
from ._logits import above
from ._words import title

DEAD: dict[str, Callable[[np.ndarray], bool]] = {
    "relu": lambda v: not (v > 0).any(),
    "sigmoid": lambda v: ((v < 1e-3) | (v > 1 - 1e-3)).mean() > 0.95,
    "tanh": lambda v: (np.abs(v) > 1 - 1e-3).mean() > 0.95,
}


class DeadActivation(Rule):
    """No activation is stuck for all examples."""

    id, severity, sampled_only = "dead-activation", WARNING, True
    sees = "the values of relu, sigmoid and tanh, on a few sampled steps"
    wrong = "net.initialize(mx.init.Normal(10))  # sigmoids at 0 and 1, whose gradient is 0"
    right = "net.initialize(mx.init.Xavier())"
    note = "The sigmoid's gradient vanishes where it is saturated, so ReLU is the usual activation."

    def __init__(self) -> None:
        self.suspect = False  # the last look found an activation stuck: take a second look
        self.times: Counter[tuple[int, str]] = Counter()  # looks in a row at which an activation was stuck

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Evaluate the activations: a forward pass, so rarely, and again only after a suspicion."""
        # relu(NaN) is 0: what died there is the parameters, which non-finite says.
        due = self.suspect or step.number in (2, 16, 64) or step.number % 256 == 0
        if not due or not step.finite:
            return NOTHING_TO_CHECK
        self.suspect = False
        judged = [self._judge(look) for look in step.looks[:1]]
        checked = any(found is not None for found in judged)
        return (
            first([message for found in judged for message in found or ()]) if checked else NOTHING_TO_CHECK
        )

    def _judge(self, look: Look) -> Findings | None:
        """What is stuck for the second time; None if there was no activation to look at."""
        checked, stuck = False, []
        for index, node in enumerate(n for n in look.graph.nodes if n.activation in DEAD):
            values = None if _is_loss(look.graph, node) else Output(node).value
            if values is None or not values.size or not np.isfinite(values).all():
                continue
            checked, key = True, (index, node.name)
            if self._again(key, DEAD[node.activation](values)):
                state = "zero" if node.activation == "relu" else "saturated"
                text = f"{title(node)}, a {node.activation}, is {state} for all examples of several batches"
                stuck.append(Message(text, place=node.place))
        for scores, _, node in classifications(look.graph):
            if node.kind in PICKS:
                scores = above(scores, LOG_SOFTMAX | SOFTMAX).inputs[0]
            values = scores.value if above_shape(scores).activation == "relu" else None
            dead = [] if values is None or values.ndim != 2 else np.flatnonzero((values <= 0).all(axis=0))
            if self._again((-1, node.name), len(dead) > 0):
                text = (
                    f"the score of class {dead[0]} is zero for all examples of several batches: a relu stands between the"
                    " last layer and the loss, and cuts off its gradient; let the last layer be linear"
                )
                stuck.append(Message(text, place=node.place))
        return stuck if checked else None

    def _again(self, key: tuple[int, str], stuck: bool) -> bool:
        """Whether it is stuck for the second time in a row."""
        self.times[key] = self.times[key] + 1 if stuck else 0
        self.suspect |= self.times[key] == 1
        return self.times[key] == 2


def _is_loss(graph: Graph, node: Node) -> bool:
    """Whether it is a part of a loss such as max(0, margin - x), which is to become 0."""
    loss = terms(graph)
    return node in loss or any(user in loss and user.kind in SQUARES for user in graph.users[node])
