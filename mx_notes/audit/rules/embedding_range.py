"""The rule embedding-range."""

from __future__ import annotations

from ..graph.graph import Node
from ..trace.step import Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule


class EmbeddingRange(Rule):
    """The ids given to an embedding are rows that it has."""

    id, severity, sampled_only = "embedding-range", ERROR, True
    sees = "the ids that embeddings are given, on sampled steps"
    wrong = "Embedding(len(common_words), 64)  # and ids of rare words"
    right = "Embedding(len(vocabulary), 64)"

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look for ids outside the table."""
        checked, messages = False, []
        for look in step.looks:
            for node in look.graph.of_kind("Embedding"):
                shape, ids = node.inputs[1].shape, node.inputs[0].value
                if shape and ids is not None and ids.size:
                    checked = True
                    messages += _judge(node, shape[0], float(ids.min()), float(ids.max()))
        return messages[:1] if checked else NOTHING_TO_CHECK


def _judge(node: Node, rows: int, smallest: float, largest: float) -> Findings:
    outside = largest if largest >= rows else smallest
    if 0 <= outside < rows or (outside == -1 and largest < rows):  # -1 often marks what is masked later
        return []
    share = "the last" if outside > 0 else "the first"
    return [
        Message(
            f"id {outside:g} is outside the {rows} rows of the embedding {node.inputs[1].node.name}, 0 to {rows - 1}: MXNet"
            f" gives it {share} row in silence; make the table as large as the vocabulary",
            place=node.place,
        )
    ]
