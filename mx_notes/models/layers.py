"""The layers of a network with its loss, by their parameters: which are frozen, and which is the last."""

from __future__ import annotations

import re

from ..errors import UserError
from ..runtime import mx
from .nodes import Node, nodes, parsed, symbol_of

INPUTS = ("data", "softmax_label")
SHOWN = 3  # layers in a message, of each end


def layers(symbol: mx.sym.Symbol) -> dict[str, tuple[str, ...]]:
    """The parameters and running statistics of each layer that has some, by the layer's name, from the input on.

    The name is without the prefix that all share, which counts the networks of a process: `stage1_conv0`.
    """
    graph = nodes(symbol)
    found = {node.name.removesuffix("_fwd"): own for node in graph if (own := _own(node, graph))}
    return dict(zip(without_prefix([*found]), found.values(), strict=True))


def without_prefix(names: list[str]) -> list[str]:
    """The names without their first part, up to a "_", if it is the same in all."""
    parts = {name.partition("_")[0] for name in names}
    return [name.partition("_")[2] for name in names] if len(parts) == 1 else names


def frozen_layers(symbol: mx.sym.Symbol, pattern: str) -> dict[str, tuple[str, ...]]:
    """The layers, as `layers` gives them, whose names begin as the regular expression says; none for an empty one.

    Raises UserError for a pattern that is no regular expression, fits no layer, or leaves nothing to train.
    """
    if not pattern:
        return {}
    every = layers(symbol)
    try:
        found = {name: own for name, own in every.items() if re.match(pattern, name)}
    except re.error as error:
        raise UserError(f"freeze={pattern}: not a regular expression: {error}") from None
    if not found:
        names = [*every]
        raise UserError(
            f"freeze={pattern}: no layer's name begins so; they are {', '.join(names[:SHOWN])} …"
            f" {', '.join(names[-SHOWN:])}"
        )
    if found.keys() == every.keys():
        raise UserError(f"freeze={pattern}: takes all {len(every)} layers; nothing is left to train")
    return found


def with_still_statistics(symbol: mx.sym.Symbol, frozen: set[str]) -> mx.sym.Symbol:
    """Have batch norms with frozen parameters use their running statistics in training, and leave them as they are."""
    graph, known = parsed(symbol), nodes(symbol)
    for number, node in enumerate(graph["nodes"]):
        if node["op"] == "BatchNorm" and frozen.intersection(_own(known[number], known)):
            node["attrs"]["use_global_stats"] = "True"
    return symbol_of(graph)


def _own(node: Node, graph: list[Node]) -> tuple[str, ...]:
    variables = (graph[number] for number in node.inputs)
    return tuple(v.name for v in variables if v.op == "null" and v.name not in INPUTS)
