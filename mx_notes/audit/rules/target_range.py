"""The rule target-range."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..graph.graph import Graph, Node
from ..graph.operators import A_NUMBER_LESS, MULTIPLYING
from ..trace.step import Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule
from ._targets import is_logistic, target_of


class TargetRange(Rule):
    """The targets of a logistic loss lie in [0, 1], and of a hinge loss are -1 and 1."""

    id, severity, sampled_only = "target-range", ERROR, True
    sees = "the targets of logistic and hinge losses, on sampled steps"
    wrong = "gluon.loss.HingeLoss()(scores, label)  # of 0 and 1"
    right = "gluon.loss.HingeLoss()(scores, 2 * label - 1)"

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look at the values of the targets."""
        checked, messages = False, []
        for look in step.looks:
            for text, node, values in _targets(look.graph):
                checked = True
                if text(values):
                    messages.append(Message(text(values), place=node.place))
        return messages[:1] if checked else NOTHING_TO_CHECK


def _targets(graph: Graph) -> Iterable[tuple]:
    """(what is wrong with such values, the operator, the targets' values)."""
    for node in graph.nodes:
        if node.kind == "LogisticRegressionOutput":
            found = _logistic, node.inputs[1].value
        elif node.activation == "relu" and _is_hinge(node):
            found = _hinge, _factor(graph, node.inputs[0].node.inputs[0].node)
        elif node.kind in MULTIPLYING and is_logistic(graph, node):
            found = _logistic, _factor(graph, node)
        else:
            continue
        if found[1] is not None and found[1].size:
            yield found[0], node, found[1]


def _is_hinge(node: Node) -> bool:
    """Whether it is the relu of margin - scores * target."""
    less = node.inputs[0].node
    return less.kind in A_NUMBER_LESS and less.inputs[0].node.kind in MULTIPLYING


def _factor(graph: Graph, product: Node) -> np.ndarray | None:
    """The factor that the network has not made."""
    target = target_of(graph, product)
    return None if target is None else target.value


def _logistic(targets: np.ndarray) -> str | None:
    outside = targets[(targets < 0) | (targets > 1)]
    if outside.size:
        wanted = (
            "0 and 1 (label_format='signed' takes -1 and 1)"
            if set(np.unique(targets)) <= {-1, 1}
            else "0 to 1"
        )
        return f"the target {outside.flat[0]:g} of a logistic loss is outside [0, 1]: give it {wanted}"
    if set(np.unique(targets)) == {0.5, 1}:
        return "the logistic loss takes -1 and 1 and is given 0 and 1: say label_format='binary'"
    return None


def _hinge(targets: np.ndarray) -> str | None:
    if set(np.unique(targets)) == {0, 1}:
        return "the hinge loss takes the targets -1 and 1 and is given 0 and 1: an example of target 0 teaches nothing"
    return None
