"""The rule target-range."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..graph.graph import Graph, Node, Output, above_shape
from ..graph.operators import A_NUMBER_LESS, MULTIPLYING, REACH
from ..trace.step import Step
from . import ERROR, NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule
from ._classes import leaves_out
from ._targets import compared, is_learned, is_logistic, scores_of, target_of

BEYOND = 0.05  # by more than this part of the largest target …
SHARE = 0.1  # … are at least so many of the targets: less may be noise


class TargetRange(Rule):
    """Targets are what their loss takes, and in the reach of the network's last activation."""

    id, severity, sampled_only = "target-range", ERROR, True
    sees = "the targets of logistic and hinge losses and of differences, on sampled steps"
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
            for node, scores, target in compared(look.graph):
                reached = _out_of_reach(scores, target)
                checked = checked or reached is not None
                if reached:
                    messages.append(Message(reached, WARNING, place=node.place))
        return messages[:1] if checked else NOTHING_TO_CHECK


def _targets(graph: Graph) -> Iterable[tuple]:
    """(what is wrong with such values, the operator, the targets' values)."""
    for node in graph.nodes:
        if node.kind == "LogisticRegressionOutput":
            found = _logistic, node.inputs[1].value
        elif node.activation == "relu" and _is_hinge(node):
            found = _hinge, _factor(graph, node.inputs[0].node.inputs[0].node)
        elif node.kind in MULTIPLYING and is_logistic(graph, node):
            found = _swapped if _is_swapped(graph, node) else _logistic, _factor(graph, node)
        else:
            continue
        if found[1] is not None and found[1].size and not leaves_out(graph, node):
            yield found[0], node, found[1]


def _is_hinge(node: Node) -> bool:
    """Whether it is the relu of margin - scores * target."""
    less = node.inputs[0].node
    return less.kind in A_NUMBER_LESS and less.inputs[0].node.kind in MULTIPLYING


def _is_swapped(graph: Graph, product: Node) -> bool:
    """Whether the logistic loss takes the relu of what the network has not made: its arguments are swapped."""
    scores = scores_of(graph, product)
    return scores is not None and not is_learned(graph, scores) and target_of(graph, product) == scores


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


def _swapped(targets: np.ndarray) -> str:
    return "the logistic loss is given the labels for scores, and the scores for labels: loss(scores, labels)"


def _hinge(targets: np.ndarray) -> str | None:
    if set(np.unique(targets)) == {0, 1}:
        return "the hinge loss takes the targets -1 and 1 and is given 0 and 1: an example of target 0 teaches nothing"
    return None


def _out_of_reach(scores: Output, target: Output) -> str | None:
    """Say that the last activation cannot give these targets; "" if it can, None where it has no bound."""
    activation = above_shape(scores).activation
    values = target.value
    if activation not in REACH or values is None or not values.size:
        return None
    low, high = REACH[activation]
    margin = BEYOND * float(np.abs(values).max())
    outside = values[(values < low - margin) | (values > high + margin)]
    if outside.size < SHARE * values.size:
        return ""
    gives = f"gives {low:g} to {high:g}" if high < math.inf else f"gives nothing below {low:g}"
    return (
        f"the network ends in {activation}, which {gives}: {outside.size / values.size:.0%} of the targets, such as"
        f" {outside.flat[0]:.3g}, are out of its reach; leave the activation out, or scale the targets"
    )
