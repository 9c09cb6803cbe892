"""The rule counted-padding."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..graph.graph import Graph, Node, Output, above_shape
from ..graph.operators import PICKS
from ..trace.step import Step
from . import NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule
from ._classes import classifications, ignored, leaves_out

FEWEST = 8  # sequences of a batch, to tell by
LENGTHS = 3  # at least, among them
SHARE = 0.05  # of all positions


class CountedPadding(Rule):
    """Where sequences are filled up to one length, the filling is not learned."""

    id, severity, sampled_only = "counted-padding", WARNING, True
    sees = "ids given to embeddings, and the labels beside them, on sampled steps"
    wrong = "loss_of(scores, label).mean()  # where label is 0 after the end of a sentence, too"
    right = "(loss_of(scores, label) * mask).sum() / mask.sum()"

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look for labels that stand beside padding and count."""
        checked, messages = False, []
        for look in step.looks:
            for padding, filling in _paddings(look.graph):
                for _, label, node in classifications(look.graph):
                    values = label.value
                    if values is not None and values.size == padding.size:
                        checked = True
                        messages += _judge(look.graph, node, values.reshape(padding.shape), padding, filling)
        return messages[:1] if checked else NOTHING_TO_CHECK


def _judge(graph: Graph, node: Node, labels: np.ndarray, padding: np.ndarray, filling: float) -> Findings:
    beside = labels[padding]
    if (
        np.ptp(beside)
        or ignored(node, labels)[padding].all()
        or (node.kind in PICKS and leaves_out(graph, node))
    ):
        return []
    return [
        Message(
            f"{padding.mean():.0%} of the positions that count in this loss are padding (id {filling:g} to the end of a"
            f" sequence), all with the label {beside[0]:g}: the network learns the padding, and the mean is over it, too;"
            " multiply by a mask and divide by its sum, or say use_ignore=True and normalization='valid'",
            place=node.place,
        )
    ]


def _paddings(graph: Graph) -> Iterable[tuple[np.ndarray, float]]:
    """(where sequences are padded, with which id) for each table of ids that an embedding is given."""
    for leaf in {above_shape(node.inputs[0]): node for node in graph.of_kind("Embedding")}:
        ids = Output(leaf).value
        if ids is not None and ids.ndim == 2:
            yield from (found for found in (_padding(ids), _padding(ids.T, turned=True)) if found)


def _padding(ids: np.ndarray, turned: bool = False) -> tuple[np.ndarray, float] | None:
    """Where the sequences, one a row, end in one id that is nowhere else; None if that is not so."""
    if ids.shape[0] < FEWEST or ids.shape[1] < LENGTHS:
        return None
    last, counts = np.unique(ids[:, -1], return_counts=True)
    filling = last[counts.argmax()]
    is_filling = ids == filling
    padding = np.logical_and.accumulate(is_filling[:, ::-1], axis=1)[:, ::-1]
    lengths = np.unique(padding.sum(axis=1))
    if len(lengths) < LENGTHS or padding.mean() < SHARE or (is_filling != padding).any():
        return None
    return padding.T if turned else padding, float(filling)
