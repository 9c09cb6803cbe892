"""Any model that MXNet has saved: PREFIX-symbol.json and PREFIX-0000.params, of a Module or of Gluon's `export`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .. import disk
from ..checkpoint import arrays
from ..checkpoint.state import parse_parameters
from ..errors import UserError
from ..runtime import mx

LARGEST_GRAPH = 64 << 20  # bytes; that of a ResNet-152 has 0.3 million


@dataclass(frozen=True)
class Model:
    """A graph with its parameters, running statistics included; floating-point numbers as float32, on the CPU."""

    symbol: mx.sym.Symbol
    parameters: dict[str, mx.nd.NDArray]


def read(prefix: Path, epoch: int) -> Model:
    """Read PREFIX-symbol.json and PREFIX-EPOCH.params, EPOCH with four digits.

    Neither file reaches MXNet's own parsers unchecked. Raises UserError, naming the file, for one that is
    missing, damaged or none of MXNet's.
    """
    graph = prefix.with_name(f"{prefix.name}-symbol.json")
    values = prefix.with_name(f"{prefix.name}-{epoch:04d}.params")
    content = disk.read(graph, LARGEST_GRAPH)
    _check_graph(disk.parse_json(content, graph, LARGEST_GRAPH), graph)
    try:
        symbol = mx.sym.load_json(content.decode())
    except mx.MXNetError as error:
        raise UserError(f"{graph}: MXNet cannot read it: {_first_line(error)}") from None
    arguments, auxiliary = parse_parameters(disk.read(values), values)
    return Model(symbol, {name: _as_float32(array) for name, array in (arguments | auxiliary).items()})


def _as_float32(array) -> mx.nd.NDArray:
    return arrays.to_mxnet(array.astype("float32") if array.dtype.kind == "f" else array)


def _check_graph(graph: dict, path: Path) -> None:
    """Raise UserError unless every node takes its inputs from nodes before it; MXNet follows any number."""
    try:
        nodes, heads = graph["nodes"], graph["heads"]
        for number, node in enumerate(nodes):
            _expect(type(node["op"]) is str and type(node["name"]) is str)
            _expect(all(_refers(source, number) for source in node["inputs"]))
        _expect(heads and all(_refers(source, len(nodes)) for source in heads))
        _expect(
            all(type(number) is int and 0 <= number < len(nodes) for number in graph.get("arg_nodes", []))
        )
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{path}: not the graph of an MXNet symbol") from None


def _refers(source: list[int], before: int) -> bool:
    return all(type(number) is int and 0 <= number < 1 << 31 for number in source) and source[0] < before


def _expect(holds: bool) -> None:
    if not holds:
        raise ValueError


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
