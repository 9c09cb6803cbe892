"""What losses take: logits, probabilities or their logarithms, and what they are given instead."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..graph.graph import Graph, Node, Output, above_shape
from ..graph.losses import terms
from ..graph.operators import (
    A_NUMBER_LESS,
    FACTORS,
    LOG_SOFTMAX,
    LOGS,
    MULTIPLYING,
    NEGATIVE,
    PICKS,
    PLUS_A_NUMBER,
    REACH,
    SOFTMAX,
    SUBTRACTING,
    SUMS,
)
from ._rule import WARNING, Message

TAKES_LOGITS = LOG_SOFTMAX | {"SoftmaxOutput", "softmax_cross_entropy"}


def above(output: Output, kinds: set[str]) -> Node | None:
    """The nearest operator above that is one of `kinds`, with only changes of shape in between."""
    node = above_shape(output)
    return node if node.kind in kinds else None


def judge(graph: Graph) -> Iterable[Message | None]:
    """For each loss whose input can be told right from wrong, a message, or None if it is right."""
    for node, text in _judged(graph):
        yield Message(text, place=node.place) if text else None


def _judged(graph: Graph) -> Iterable[tuple[Node, str | None]]:
    for node in graph.nodes:
        if node.kind in TAKES_LOGITS:
            yield node, _softmax_twice(node)
        elif node.kind == "LogisticRegressionOutput" or node.attributes.get("act_type") == "softrelu":
            scores = node.inputs[0] if node.kind == "LogisticRegressionOutput" else _of_sigmoid_loss(node)
            if scores is not None:
                yield node, _sigmoid_twice(scores)
        elif node.kind in PICKS and _negated(graph, node) and not _normalised_by_hand(graph, node):
            yield node, _not_log_probabilities(node.inputs[0])
    yield from ((node, _not_log_probabilities(scores)) for node, scores in _multiplied_by_targets(graph))
    yield from ((node, _not_probabilities(scores)) for node, scores in _of_binary_cross_entropy(graph))


def squashed(graph: Graph) -> Iterable[Message | None]:
    """For each softmax a message if its scores are so bounded that no class can be sure, or None."""
    for node in graph.nodes:
        if node.kind not in TAKES_LOGITS:
            continue
        activation, shape = above_shape(node.inputs[0]).activation, node.inputs[0].shape
        low, high = REACH.get(activation, (-math.inf, math.inf))
        if high - low == math.inf or not shape or node.flag("multi_output"):
            yield None
            continue
        classes = shape[_axis(node)]
        largest = 1 / (1 + (classes - 1) * math.exp(low - high))
        yield Message(
            f"softmax is given the output of {activation}: no probability among {classes} classes can exceed"
            f" {largest:.2f}; leave the activation out",
            WARNING,
            place=node.place,
        )


def _softmax_twice(node: Node) -> str | None:
    inner = above(node.inputs[0], SOFTMAX | LOG_SOFTMAX | {"SoftmaxOutput"})
    if inner and inner.kind in LOG_SOFTMAX and _axis(inner) == _axis(node) and not _is_tempered(node):
        return None  # log-probabilities stay what they are, and so does their gradient
    if inner:
        return (
            f"{node.op} is given the output of {inner.op}: softmax is applied twice; hand the loss the logits, or say"
            " from_logits=True for log-probabilities"
        )
    if _looks_like_probabilities(node.inputs[0]):
        return f"{node.op} is given values that are probabilities already, not logits"
    return None


def _axis(node: Node) -> int:
    """Along which a softmax normalises, counted from the last."""
    axis = int(node.attributes.get("axis", 1 if node.flag("multi_output") else -1))
    return axis if axis < 0 else axis - len(node.inputs[0].shape or range(axis + 1))


def _is_tempered(node: Node) -> bool:
    return node.attributes.get("temperature", "None") not in ("None", "1.0", "1")


def _of_sigmoid_loss(node: Node) -> Output | None:
    """The x of log(1 + exp(-|x|)), the stable half of the sigmoid loss."""
    for kinds in (NEGATIVE | {"_mul_scalar"}, {"abs"}):
        node = node.inputs[0].node
        if node.kind not in kinds:
            return None
    return node.inputs[0]


def _sigmoid_twice(scores: Output) -> str | None:
    if above_shape(scores).activation != "sigmoid":
        return None
    return (
        "the sigmoid loss is given the output of a sigmoid: it is applied twice; hand the loss the logits, or say"
        " from_sigmoid=True"
    )


def _negated(graph: Graph, node: Node) -> bool:
    users = graph.users[node]
    return any(user.kind in NEGATIVE or (user.kind in FACTORS and user.scalar < 0) for user in users)


def _normalised_by_hand(graph: Graph, node: Node) -> bool:
    """Whether the scores that are picked from go through exp as well, as in log(sum(exp(scores))) - scores[label]."""
    return any(each.kind == "exp" for each in graph.below(node.inputs[0].node))


def _multiplied_by_targets(graph: Graph) -> Iterable[tuple[Node, Output]]:
    """What takes the place of log-probabilities in -sum(x * target) and in target * (log(target) - x)."""
    for node in graph.nodes:
        multiplied = any(user.kind in MULTIPLYING for user in graph.users[node])
        if multiplied and node.kind in SUBTRACTING and _is_log_of_sum(node.inputs[0].node):
            yield node, node.inputs[1]
    loss = terms(graph)
    for node in graph.of_kind(*SUMS):
        product = node.inputs[0].node
        if node in loss and product.kind in MULTIPLYING and _negated(graph, node):
            for scores, target in (product.inputs, reversed(product.inputs)):
                if not above_shape(scores).is_leaf and _is_distribution(target):
                    yield node, scores


def _is_log_of_sum(node: Node) -> bool:
    return node.kind in LOGS and node.inputs[0].node.kind in PLUS_A_NUMBER


def _is_distribution(target: Output) -> bool:
    leaf = above_shape(target)
    return (
        (leaf.is_leaf or leaf.kind == "one_hot") and not leaf.parameter and _looks_like_probabilities(target)
    )


def _of_binary_cross_entropy(graph: Graph) -> Iterable[tuple[Node, Output]]:
    """The p of log(p + epsilon) and log(1 - p + epsilon), where both are taken."""
    taken: dict[Output, dict[bool, Node]] = {}
    for node in graph.of_kind(*LOGS):
        source, rest = node.inputs[0], False
        while source.node.kind in PLUS_A_NUMBER | A_NUMBER_LESS:
            rest, source = rest or source.node.kind in A_NUMBER_LESS, source.node.inputs[0]
        taken.setdefault(source, {})[rest] = node
    return ((halves[False], source) for source, halves in taken.items() if len(halves) == 2)


def _looks_like_probabilities(output: Output) -> bool:
    values = _table(output)
    return values is not None and bool(values.min() >= 0 and np.abs(values.sum(axis=1) - 1).max() < 1e-4)


def _table(output: Output) -> np.ndarray | None:
    """The values, if they are a row for each example."""
    values = output.value
    return values if values is not None and values.ndim == 2 and values.shape[1] >= 2 else None


def _not_log_probabilities(scores: Output) -> str | None:
    values = None if above(scores, LOG_SOFTMAX) else _table(scores)
    if values is None:
        return None
    if _looks_like_probabilities(scores):
        return "the loss takes log-probabilities and is given probabilities: use log_softmax"
    total = np.exp(values.astype(np.float64)).sum(axis=1)
    if np.abs(total - 1).max() > 1e-2:
        return (
            "the loss is given logits where it takes log-probabilities (from_logits=True): apply log_softmax"
        )
    return None


def _not_probabilities(scores: Output) -> str | None:
    values = scores.value
    if values is None or not values.size or (values.min() >= 0 and values.max() <= 1 + 1e-6):
        return None
    return "the loss is given logits where it takes probabilities (from_sigmoid=True): apply sigmoid, or leave it to the loss"
