"""The rule loss-axis."""

from __future__ import annotations

import ast
from dataclasses import replace

from ..graph.graph import Graph, Node
from ..graph.operators import DIVIDING, LOG_SOFTMAX, LOGS, PICKS, SOFTMAX, SUMS
from ..trace.step import Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule, warning


class LossAxis(Rule):
    """Softmax runs over the classes, the mean over the batch."""

    id, severity, sampled_only = "loss-axis", ERROR, True
    sees = "the axis of each softmax and of the label's pick from it"
    wrong = "probabilities = scores.softmax(axis=0)"
    right = "probabilities = scores.softmax(axis=1)"
    note = "The softmax of a vector is positive and sums to 1 over its classes."

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Compare the axis of each softmax with that of the pick."""
        checked, messages = False, []
        for look in step.looks:
            for node in look.graph.nodes:
                axis, pick = _softmax_axis(node), _pick(look.graph, node)
                shape = node.inputs[0].shape if node.inputs else None
                if axis is not None and pick is not None and shape:
                    checked = True
                    found = _judge(axis % len(shape), _axis(pick) % len(shape), shape, pick.inputs[1].shape)
                    messages += [replace(message, place=node.place) for message in found]
        return messages[:1] if checked else NOTHING_TO_CHECK


def _judge(axis: int, picked: int, shape: tuple[int, ...], labels: tuple[int, ...] | None) -> Findings:
    if axis != picked:
        return [Message(f"softmax runs over axis {axis}, but the label picks from axis {picked}")]
    in_columns = len(shape) == 2 and bool(labels) and labels[0] == shape[1] != shape[0]
    if axis == 0 and len(shape) > 1 and not in_columns:
        return [Message("softmax runs over axis 0, the batch, not over the classes")]
    if axis == 3 and shape[1] == shape[3]:
        return [
            warning(
                f"softmax runs over the last axis of scores {shape}; if they are (N, classes, rows, columns), the"
                " classes are axis 1: SoftmaxCrossEntropyLoss(axis=1)"
            )
        ]
    return []


def _axis(node: Node) -> int:
    return int(node.attributes.get("axis", "-1") or -1)


def _pick(graph: Graph, node: Node) -> Node | None:
    """The pick from a softmax's output, or from its logarithm."""
    users = graph.users[node]
    beyond = [after for user in users if user.kind in LOGS for after in graph.users[user]]
    return next((user for user in [*users, *beyond] if user.kind in PICKS), None)


def _softmax_axis(node: Node) -> int | None:
    """The axis of a softmax, the operator or exp(x) / sum(exp(x)) by hand; None for anything else."""
    if node.op == "SoftmaxActivation":  # over axis 1, or over all axes but the first
        shape = node.inputs[0].shape or ()
        return 1 if node.attributes.get("mode") == "channel" or len(shape) == 2 else None
    if node.kind in LOG_SOFTMAX | SOFTMAX:
        return int(node.attributes.get("axis", "-1"))
    if node.kind not in DIVIDING:
        return None
    above, below = (each.node for each in node.inputs)
    if above.kind != "exp" or below.kind not in SUMS or below.inputs[0].node is not above:
        return None
    axes = ast.literal_eval(below.attributes.get("axis") or "None")
    axes = axes if isinstance(axes, (tuple, list)) else (axes,)
    return axes[0] if len(axes) == 1 else None
