"""What a loss compares the network's scores with."""

from __future__ import annotations

from collections.abc import Iterable

from ..graph.graph import Graph, Node, Output
from ..graph.operators import CLASSIFYING_OUTPUTS, MULTIPLYING, REGRESSION_OUTPUTS, SQUARES, SUBTRACTING
from ._classes import classifications


def is_learned(graph: Graph, output: Output) -> bool:
    """Whether parameters have a part in it."""
    return any(node.parameter for node in graph.above(output.node))


def is_logistic(graph: Graph, node: Node) -> bool:
    """Whether it is the product in relu(scores) - scores * target + log(1 + exp(-|scores|))."""
    return scores_of(graph, node) is not None


def scores_of(graph: Graph, product: Node) -> Output | None:
    """The scores in relu(scores) - product, which is one of them with the target; None where that is not so."""
    users = (user for user in graph.users[product] if user.kind in SUBTRACTING)
    rectified = {
        side.node.inputs[0].node for user in users for side in user.inputs if side.node.activation == "relu"
    }
    return next((each for each in product.inputs if each.node in rectified), None)


def target_of(graph: Graph, node: Node) -> Output | None:
    """Of two sides the one that the network has not made; None where that is both or none."""
    sides = [each for each in node.inputs if not is_learned(graph, each)]
    return sides[0] if len(sides) == 1 else None


def compared(graph: Graph) -> Iterable[tuple[Node, Output, Output]]:
    """(operator, scores, target) wherever a loss takes their difference: its square, or its size."""
    for node in graph.nodes:
        if node.kind in REGRESSION_OUTPUTS - CLASSIFYING_OUTPUTS - {"LogisticRegressionOutput"}:
            yield node, node.inputs[0], node.inputs[1]
        elif node.kind in SUBTRACTING and any(user.kind in SQUARES | {"abs"} for user in graph.users[node]):
            target = target_of(graph, node)
            if target is not None:
                (scores,) = (each for each in node.inputs if each is not target)
                yield node, scores, target


def targets(graph: Graph) -> Iterable[tuple[Node, Output]]:
    """(operator, target) wherever scores meet a label: of a class, logistic, or the other side of a square."""
    for _, label, node in classifications(graph):
        yield node, label
    for node in graph.nodes:
        squared = node.kind in SUBTRACTING and any(user.kind in SQUARES for user in graph.users[node])
        if node.kind in REGRESSION_OUTPUTS - CLASSIFYING_OUTPUTS:
            yield node, node.inputs[1]
        elif squared or (node.kind in MULTIPLYING and is_logistic(graph, node)):
            target = target_of(graph, node)
            if target is not None:
                yield node, target
