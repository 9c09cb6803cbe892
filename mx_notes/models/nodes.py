"""The nodes of a symbol's graph, from the JSON that MXNet writes it as."""

from __future__ import annotations

import json
from typing import NamedTuple

from ..runtime import mx


class Node(NamedTuple):
    """A node of a graph."""

    name: str
    op: str  # "null" for a variable
    attributes: dict[str, str]
    inputs: tuple[int, ...]  # the numbers of the nodes whose outputs it takes


def nodes(symbol: mx.sym.Symbol) -> list[Node]:
    """The nodes of the symbol's graph by number, every node after its inputs."""
    return [
        Node(node["name"], node["op"], node.get("attrs", {}), tuple(number for number, *_ in node["inputs"]))
        for node in parsed(symbol)["nodes"]
    ]


def parsed(symbol: mx.sym.Symbol) -> dict:
    """The graph as MXNet's JSON has it, to be changed."""
    return json.loads(symbol.tojson())


def symbol_of(graph: dict) -> mx.sym.Symbol:
    """The symbol of a graph that `parsed` gave."""
    return mx.sym.load_json(json.dumps(graph))
