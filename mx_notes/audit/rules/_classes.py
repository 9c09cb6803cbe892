"""Where a label picks a class."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..graph.graph import Graph, Node, Output
from ..graph.operators import CLASSIFYING_OUTPUTS, LOG_SOFTMAX, MULTIPLYING, PICKS, SOFTMAX
from ._logits import above

CHOOSING = {"SequenceMask", "where", "_contrib_boolean_mask", "gather_nd", "take", "slice_like"}


def classifications(graph: Graph) -> Iterable[tuple[Output, Output, Node]]:
    """(scores, label, operator) wherever a label picks a class."""
    for node in graph.nodes:
        if len(node.inputs) > 1 and (
            (node.kind in CLASSIFYING_OUTPUTS and not _is_of_probabilities(node))
            or (node.kind in PICKS and above(node.inputs[0], LOG_SOFTMAX | SOFTMAX))
        ):
            yield node.inputs[0], node.inputs[1], node


def _is_of_probabilities(node: Node) -> bool:
    """Whether the label has the scores' shape: SoftmaxOutput takes it for each class's probability."""
    scores, label = node.inputs[0].shape, node.inputs[1].shape
    return scores is not None and scores == label


def number_of_classes(node: Node, scores: Output) -> int | None:
    """How many classes the operator that picks one has; None if unknown."""
    shape = scores.shape
    if not shape:
        return None
    if node.kind in PICKS:
        axis = node.attributes.get("axis", "-1")
        return shape[int(axis)] if axis not in ("None", "") else None
    return shape[1] if len(shape) > 1 else None


def ignored(node: Node, labels: np.ndarray) -> np.ndarray:
    """Where the operator that picks a class takes no notice of the label; of the labels' shape, bool."""
    if not node.flag("use_ignore"):
        return np.zeros(labels.shape, bool)
    return labels == float(node.attributes.get("ignore_label", -1))


def leaves_out(graph: Graph, node: Node) -> bool:
    """Whether what is below a loss may leave examples or positions out: by a choice, or by zeros that it is multiplied by."""
    below = graph.below(node)
    gradients = [gradient for gradient in graph.head_gradients if gradient is not None]
    if any(each.kind in CHOOSING for each in below) or any((gradient == 0).any() for gradient in gradients):
        return True
    factors = [
        each.value
        for product in below
        if product.kind in MULTIPLYING
        for each in product.inputs
        if each.node not in below and each.node is not node
    ]
    return any(value is None or (value == 0).any() for value in factors)
