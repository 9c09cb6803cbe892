"""The layers of a network with its loss, by their parameters: which are frozen, and which is the last."""

from __future__ import annotations

import re

from ..errors import UserError
from ..runtime import mx
from .nodes import Node, nodes, parsed, symbol_of

INPUTS = ("data", "softmax_label")
SHOWN = 3  # layers in a message, of each end


def layers(symbol: mx.sym.Symbol) -> dict[str, tuple[str, ...]]:
    """The parameters and running statistics of each layer that has some, by the layer's name, from the input on."""
    graph = nodes(symbol)
    found = {_layer(node): _own(node, graph) for node in graph if node.op != "null"}
    return {name: own for name, own in found.items() if own}


def frozen_layers(symbol: mx.sym.Symbol, pattern: str) -> dict[str, tuple[str, ...]]:
    """The layers, as `layers` gives them, in whose names the regular expression is found; none for an empty one.

    Raises UserError for a pattern that is no regular expression, is found nowhere, or leaves nothing to train.
    """
    if not pattern:
        return {}
    every = layers(symbol)
    try:
        found = {name: own for name, own in every.items() if re.search(pattern, name)}
    except re.error as error:
        raise UserError(f"freeze={pattern}: not a regular expression: {error}") from None
    if not found:
        names = [*every][:SHOWN], [*every][-SHOWN:]
        raise UserError(
            f"freeze={pattern}: found in the name of no layer; they are {', '.join(names[0])} … {', '.join(names[1])}"
        )
    if found.keys() == every.keys():
        raise UserError(f"freeze={pattern}: found in all {len(every)} layers; nothing is left to train")
    return found


def with_still_statistics(symbol: mx.sym.Symbol, names: set[str]) -> mx.sym.Symbol:
    """Have the batch norms among these layers use their running statistics in training, and leave them as they are."""
    graph = parsed(symbol)
    for node, known in zip(graph["nodes"], nodes(symbol), strict=True):
        if node["op"] == "BatchNorm" and _layer(known) in names:
            node["attrs"]["use_global_stats"] = "True"
    return symbol_of(graph)


def _layer(node: Node) -> str:
    return node.name.removesuffix("_fwd")


def _own(node: Node, graph: list[Node]) -> tuple[str, ...]:
    variables = (graph[number] for number in node.inputs)
    return tuple(v.name for v in variables if v.op == "null" and v.name not in INPUTS)
