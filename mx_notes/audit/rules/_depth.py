"""The gradients of a network's first and last layers, relative to their weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...runtime import mx
from ..graph.graph import Graph, Node
from ..graph.operators import BATCH_NORM, SHAPE_ONLY
from ..graph.values import read
from ..trace.step import Step, UpdateSample

FEWEST = 4  # weight matrices, to speak of depth


@dataclass(frozen=True)
class Ratios:
    """Norm of the gradient relative to that of the weights: of the first layer, and of each last one (a head)."""

    first: float
    last: list[float]


def ratios(step: Step) -> Ratios | None:
    """The ratios of a sampled step's network; None with fewer than FEWEST weight matrices, or of unknown order.

    Weights before a batch norm are compared only with each other: what they compute does not depend on their
    norm, and their gradient grows as the norm shrinks, so that the product of the two is what counts.
    """
    if not step.looks:
        return None
    graph = step.looks[0].graph
    leaves = {leaf.name: leaf for leaf in graph.leaves}
    matrices = [s for s in step.samples if len(s.shape) >= 2 and _norm(s.weight_before) > 0]
    if not all(sample.name in leaves for sample in matrices):
        return None
    normalised = {s.name for s in matrices if _is_normalised(graph, leaves[s.name])}
    weights, ratio = [s for s in matrices if s.name not in normalised], _ratio
    if len(weights) < FEWEST:
        weights, ratio = [s for s in matrices if s.name in normalised], _product
    if len(weights) < FEWEST:
        return None
    # In the order of the forward pass: a Trainer sorts names as text, dense10 before dense2.
    order = {name: place for place, name in enumerate(leaves)}
    first, *others = sorted(weights, key=lambda sample: order[sample.name])
    below = graph.below(leaves[first.name])
    # A head has a way to the loss without another weight on it, and the first layer below it.
    users = {s.name: set(graph.users[leaves[s.name]]) for s in others}
    weighted = set().union(*users.values())
    last = [s for s in others if _reaches_loss(graph, users[s.name] & below, weighted - users[s.name])]
    found = Ratios(ratio(first), [ratio(sample) for sample in last])
    return found if last and all(map(math.isfinite, [found.first, *found.last])) else None


def _reaches_loss(graph: Graph, start: set[Node], without: set[Node]) -> bool:
    """Whether some way leads from the one nodes to the loss, but not through the others."""
    heads, seen, to_go = {head.node for head in graph.heads}, set(), list(start)
    while to_go:
        node = to_go.pop()
        if node in heads:
            return True
        new = [user for user in graph.users[node] if user not in without and user not in seen]
        seen.update(new)
        to_go += new
    return False


def _is_normalised(graph: Graph, leaf: Node) -> bool:
    """Whether the layer with this weight is followed by a batch norm."""
    after = [user for layer in graph.users[leaf] for user in graph.users[layer]]
    while any(user.kind in SHAPE_ONLY for user in after):
        after = [b for user in after for b in (graph.users[user] if user.kind in SHAPE_ONLY else [user])]
    return any(user.kind in BATCH_NORM for user in after)


def _ratio(sample: UpdateSample) -> float:
    return _norm(sample.gradient) / _norm(sample.weight_before)


def _product(sample: UpdateSample) -> float:
    return _norm(sample.gradient) * _norm(sample.weight_before)


def _norm(array: mx.nd.NDArray) -> float:
    return math.sqrt(float(np.square(read(array).astype(np.float64)).sum()))
