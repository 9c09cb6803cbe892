"""The rule broadcast-pairs."""

from __future__ import annotations

from ..graph.graph import Graph, Node, Output
from ..graph.operators import ADDING, DIVIDING, MULTIPLYING, SUBTRACTING
from ..trace.step import Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule
from ._targets import is_learned

PAIRING = ADDING | SUBTRACTING | MULTIPLYING | DIVIDING | {"broadcast_maximum", "broadcast_minimum"}


class BroadcastPairs(Rule):
    """Each example is compared with its own target, not with everybody's."""

    id, severity, sampled_only = "broadcast-pairs", ERROR, True
    sees = "the shapes of what meets in a loss"
    wrong = "loss = (net(x) - y) ** 2  # (N, 1) and (N,) make (N, N)"
    right = "loss = (net(x) - y.reshape((-1, 1))) ** 2"

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look for a column that meets a row of as many examples."""
        checked, messages = False, []
        for look in step.looks:
            for node in look.graph.of_kind(*PAIRING):
                if len(node.inputs) == 2:
                    checked = True
                    messages += _judge(look.graph, node)
        return messages[:1] if checked else NOTHING_TO_CHECK


def _judge(graph: Graph, node: Node) -> Findings:
    column, row = sorted(node.inputs, key=lambda each: -len(each.shape or ()))
    if not _are_column_and_row(column, row) or not (graph.batch_sizes & {row.shape[0]} or not graph.data):
        return []
    # Of pairs that are meant (distances, a kernel), both sides come from the network, or neither.
    if is_learned(graph, column) == is_learned(graph, row):
        return []
    number = row.shape[0]
    return [
        Message(
            f"{node.op} of shapes {column.shape} and {row.shape} makes ({number}, {number}): each of the {number} examples"
            f" meets the values of all; bring both to one shape, for example reshape((-1, 1))",
            place=node.place,
        )
    ]


def _are_column_and_row(column: Output, row: Output) -> bool:
    first, second = column.shape or (), row.shape or ()
    return len(first) == 2 and len(second) == 1 and first == (second[0], 1) and second[0] > 1
