"""Where the gradient on its way to a parameter is zero whatever the data."""

from __future__ import annotations

from ..graph.graph import Graph, Node
from ..graph.operators import BATCH_NORM, FLAT, MULTIPLYING


def cut_off(graph: Graph) -> dict[Node, Node]:
    """The parameters that no gradient can reach, each with the operator that keeps it from them."""
    reached = graph.above(*(head.node for head in graph.heads), through=lambda node: node.kind not in FLAT)
    statistics = {each.node for norm in graph.of_kind(*BATCH_NORM) for each in norm.inputs[3:]}
    flat = [node for node in graph.nodes if node.kind in FLAT and node in reached]
    return {
        leaf: operator
        for operator in reversed(flat)
        for leaf in graph.above(operator)
        if leaf.parameter and leaf not in reached and leaf not in statistics
    }


def is_masked(graph: Graph, leaf: Node) -> bool:
    """Whether zeros are multiplied into what the leaf leads to: in this batch it has nothing to learn from."""
    below = graph.below(leaf) | {leaf}
    for node in graph.of_kind(*MULTIPLYING):
        if node in below:
            factors = [each for each in node.inputs if each.node not in below]
            values = [each.value for each in factors]
            if any(value is not None and not value.any() for value in values):
                return True
    return any(node.scalar == 0 for node in graph.of_kind("_mul_scalar") if node in below)
