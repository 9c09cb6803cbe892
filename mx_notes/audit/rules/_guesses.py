"""What a network says of the batch, beside what it should say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..graph.graph import Graph, Node, Output
from ..graph.operators import LOG_SOFTMAX, PICKS, REGRESSION_OUTPUTS, SQUARES, SUBTRACTING
from ._classes import classifications, ignored, number_of_classes
from ._logits import above


@dataclass(frozen=True)
class Classified:
    """Log-probabilities (N, classes) and labels (N,) of the examples that count."""

    values: np.ndarray
    labels: np.ndarray

    @property
    def loss(self) -> float:
        """The mean cross-entropy, in nats."""
        return -float(self.values[np.arange(len(self.labels)), self.labels].mean())


def classified(graph: Graph) -> Iterable[Classified]:
    """The examples of each loss that picks a class from a table of scores."""
    for scores, label, node in classifications(graph):
        # A margin: the label's own score is lowered on purpose.
        if node.kind == "SVMOutput" or scores.node in graph.below(label.node):
            continue
        classes, values, labels = number_of_classes(node, scores), scores.value, label.value
        if (
            not classes
            or values is None
            or labels is None
            or values.ndim != 2
            or labels.shape not in ((len(values),), (len(values), 1))
        ):
            continue
        labels = labels.ravel()
        if node.kind not in PICKS:
            values = values - values.max(axis=1, keepdims=True)
            values = values - np.log(np.exp(values).sum(axis=1, keepdims=True))
        elif not above(scores, LOG_SOFTMAX):
            continue
        counted = ~ignored(node, labels)
        if counted.any() and np.isfinite(labels).all():
            yield Classified(values[counted], np.clip(labels[counted].astype(int), 0, classes - 1))


def regressed(graph: Graph) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """(predictions, targets), each (N, …), wherever their difference is squared."""
    for node in graph.nodes:
        if node.kind in REGRESSION_OUTPUTS and node.kind != "LogisticRegressionOutput":
            pair = node.inputs[0], node.inputs[1]
        elif node.kind in SUBTRACTING and any(user.kind in SQUARES for user in graph.users[node]):
            pair = _learned_first(graph, node)
        else:
            continue
        values = [each.value for each in pair] if pair else [None, None]
        if all(value is not None for value in values) and values[0].size == values[1].size > 0:
            yield values[0].reshape(len(values[0]), -1), values[1].reshape(len(values[0]), -1)


def _learned_first(graph: Graph, node: Node) -> tuple[Output, Output] | None:
    learned = [any(each.parameter for each in graph.above(side.node)) for side in node.inputs]
    if sum(learned) != 1:
        return None
    return (node.inputs[0], node.inputs[1]) if learned[0] else (node.inputs[1], node.inputs[0])
