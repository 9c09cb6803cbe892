"""A graph that says all that MXNet's translator to ONNX takes for granted, and ends in numbers instead of losses.

explicit(mx.sym.SoftmaxOutput(mx.sym.FullyConnected(data, num_hidden=10)))  # softmax(FullyConnected(flatten=True, …))
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from ..models.nodes import parsed, symbol_of
from ..runtime import mx

Attributes = dict[str, str]


class Known(NamedTuple):
    """What the inputs' shapes say of a node."""

    rank: int  # of its first input
    output: tuple[int | None, ...]  # the lengths of its first output's axes; None where the batch decides


def explicit(symbol: mx.sym.Symbol, inputs: dict[str, tuple[int, ...]] | None = None) -> mx.sym.Symbol:
    """Replace losses by what they output in inference, so that no label is asked for, and write out all defaults.

    The outputs are the symbol's own in inference, and so are the parameters' names and shapes. inputs: the
    shape of one example of each input, if known: some operators have a simpler form where the rank is known.
    """
    graph = parsed(_replaced(symbol, inputs or {}))
    for node in graph["nodes"]:
        if node["op"] != "null":
            node["attrs"] = defaults(node["op"]) | node.get("attrs", {})
        if node["op"] == "RNN":  # only this form is translated; nobody reads the outputs that it adds
            node["attrs"]["state_outputs"] = "True"
    return symbol_of(graph)


def _softmax_output(
    attributes: Attributes, _known: Known | None, scores: mx.sym.Symbol, *_label: mx.sym.Symbol
) -> mx.sym.Symbol:
    return mx.sym.softmax(scores, axis=1 if _true(attributes.get("multi_output")) else -1)


def _softmax_activation(attributes: Attributes, _known: Known | None, scores: mx.sym.Symbol) -> mx.sym.Symbol:
    return mx.sym.softmax(scores, axis=1 if attributes.get("mode") == "channel" else -1)


def _unchanged(
    _: Attributes, _known: Known | None, data: mx.sym.Symbol, *_label: mx.sym.Symbol
) -> mx.sym.Symbol:
    return mx.sym.identity(data)


def _sigmoid(
    _: Attributes, _known: Known | None, data: mx.sym.Symbol, *_label: mx.sym.Symbol
) -> mx.sym.Symbol:
    return mx.sym.sigmoid(data)


def _norm_and_relu(attributes: Attributes, _known: Known | None, *inputs: mx.sym.Symbol) -> mx.sym.Symbol:
    return mx.sym.relu(mx.sym.BatchNorm(*inputs, **attributes))


def _unit_length(attributes: Attributes, _known: Known | None, data: mx.sym.Symbol) -> mx.sym.Symbol | None:
    if attributes.get("mode", "instance") != "instance":
        return None
    flat = mx.sym.Flatten(data)
    square = mx.sym.sum(mx.sym.square(flat), axis=1, keepdims=True)
    length = mx.sym.sqrt(square + float(attributes.get("eps", 1e-10)))
    return mx.sym.reshape_like(mx.sym.broadcast_div(flat, length), data)


def _leaky(attributes: Attributes, _known: Known | None, *inputs: mx.sym.Symbol) -> mx.sym.Symbol | None:
    """In inference a random slope is the middle of its range."""
    if attributes.get("act_type") != "rrelu":
        return None
    low, high = (float(attributes.get(name, default)) for name, default in RANDOM_SLOPE.items())
    return mx.sym.LeakyReLU(*inputs, act_type="leaky", slope=(low + high) / 2)


def _swapped(attributes: Attributes, known: Known | None, data: mx.sym.Symbol) -> mx.sym.Symbol | None:
    if known is None:
        return None
    axes = list(range(known.rank))
    one, other = (int(attributes.get(name, 0)) for name in ("dim1", "dim2"))
    axes[one], axes[other] = axes[other], axes[one]
    return mx.sym.transpose(data, axes=axes)


def _reshaped(attributes: Attributes, known: Known | None, data: mx.sym.Symbol) -> mx.sym.Symbol | None:
    """Write out what -2, -3, -4 and `reverse` mean here."""
    plain = not {"-2", "-3", "-4"} & set(re.findall("-?[0-9]+", attributes.get("shape", "")))
    if known is None or known.output.count(None) > 1 or (plain and not _true(attributes.get("reverse"))):
        return None
    return mx.sym.reshape(data, shape=[-1 if length is None else length for length in known.output])


RANDOM_SLOPE = {"lower_bound": 0.125, "upper_bound": 0.334}
# Operators for which the translator has nothing, or what does not hold or no other framework reads. Each is given
# the node's attributes and what is known of its shapes; None: the node stays.
REPLACEMENTS: dict[str, Callable[..., mx.sym.Symbol | None]] = {
    "SoftmaxOutput": _softmax_output,
    "Softmax": _softmax_output,
    "SoftmaxActivation": _softmax_activation,
    "LogisticRegressionOutput": _sigmoid,
    "LinearRegressionOutput": _unchanged,
    "MAERegressionOutput": _unchanged,
    "SVMOutput": _unchanged,
    "MakeLoss": _unchanged,
    "make_loss": _unchanged,
    "IdentityAttachKLSparseReg": _unchanged,
    "_contrib_BatchNormWithReLU": _norm_and_relu,
    "L2Normalization": _unit_length,
    "LeakyReLU": _leaky,
    "SwapAxis": _swapped,
    "Reshape": _reshaped,
}


def _replaced(symbol: mx.sym.Symbol, inputs: dict[str, tuple[int, ...]]) -> mx.sym.Symbol:
    graph = parsed(symbol)
    shapes = _outputs(symbol, inputs)
    nodes: list[dict] = []
    # Of each old node: the new one, and which output of it if that is always the same one.
    place: list[tuple[int, int | None]] = []

    def shape_of(node: dict, output: int = 0) -> tuple[int | None, ...] | None:
        names = (node["name"], f"{node['name']}_output", f"{node['name']}_output{output}")
        return next((shapes[name] for name in names if name in shapes), None)

    def known(node: dict) -> Known | None:
        if not node["inputs"]:
            return None
        (number, output, *_), *_ = node["inputs"]
        before, after = shape_of(graph["nodes"][number], output), shape_of(node)
        return None if before is None or after is None else Known(len(before), after)

    def moved(source: list[int], places: list[tuple[int, int | None]]) -> list[int]:
        number, output = places[source[0]]
        return [number, source[1] if output is None else output, 0]

    for node in graph["nodes"]:
        sources = [moved(source, place) for source in node["inputs"]]
        part = _replacement(node, known(node))
        if part is None:
            nodes.append(node | {"inputs": sources})
            place.append((len(nodes) - 1, None))
            continue
        inner: list[tuple[int, int | None]] = []
        for new in part["nodes"]:
            if new["op"] == "null":
                number, output, _ = sources[int(new["name"])]
                inner.append((number, output))
            else:
                nodes.append(new | {"inputs": [moved(source, inner) for source in new["inputs"]]})
                inner.append((len(nodes) - 1, None))
        number, output, _ = moved(part["heads"][0], inner)
        nodes[number]["name"] = node["name"]
        place.append((number, output))
    graph["heads"] = [moved(source, place) for source in graph["heads"]]
    graph["nodes"] = nodes
    graph["arg_nodes"] = [number for number, node in enumerate(nodes) if node["op"] == "null"]
    del graph["node_row_ptr"]  # MXNet counts the outputs again
    return symbol_of(graph)


def _outputs(symbol: mx.sym.Symbol, inputs: dict[str, tuple[int, ...]]) -> dict[str, tuple[int | None, ...]]:
    """The shape of each output inside the graph, by its name, None where the batch decides; none without inputs."""
    if not inputs:
        return {}
    inside = symbol.get_internals()
    of_two, of_three = (
        inside.infer_shape(**{name: (size, *shape) for name, shape in inputs.items()})[1] for size in (2, 3)
    )
    return {
        name: tuple(length if length == other else None for length, other in zip(two, three, strict=True))
        for name, two, three in zip(inside.list_outputs(), of_two, of_three, strict=True)
    }


def _replacement(node: dict, known: Known | None) -> dict | None:
    """The graph to put in a node's place; its variables are named by the number of the node's input."""
    if node["op"] not in REPLACEMENTS:
        return None
    attributes = {name: text for name, text in node.get("attrs", {}).items() if not name.startswith("__")}
    with mx.name.NameManager():
        inputs = [mx.sym.var(str(number)) for number in range(len(node["inputs"]))]
    with mx.name.Prefix(f"{node['name']}_"):
        symbol = REPLACEMENTS[node["op"]](attributes, known, *inputs)
    return None if symbol is None else parsed(symbol)


def _true(text: str | None) -> bool:
    return text in ("True", "1")


@cache
def defaults(op: str) -> Attributes:
    """The attributes that an operator has when nothing is said, as MXNet writes them; those of no value are left out."""
    base = mx.base
    handle = ctypes.c_void_p()
    base.check_call(base._LIB.NNGetOpHandle(base.c_str(op), ctypes.byref(handle)))
    texts = [ctypes.c_char_p() for _ in range(2)]
    count = ctypes.c_uint()
    lists = [ctypes.POINTER(ctypes.c_char_p)() for _ in range(3)]
    more = [ctypes.c_char_p() for _ in range(2)]
    base.check_call(
        base._LIB.MXSymbolGetAtomicSymbolInfo(handle, *map(ctypes.byref, (*texts, count, *lists, *more)))
    )
    names, types, _ = lists
    found = {names[n].decode(): types[n].decode().partition("default=") for n in range(count.value)}
    return {
        name: _as_attribute(kind, value.strip("'"))
        for name, (kind, _, value) in found.items()
        if value.strip("'") not in ("", "None", "[]")
    }


def _as_attribute(kind: str, value: str) -> str:
    if kind.startswith("boolean"):
        return str(_true(value))
    return f"({value[1:-1]})" if value.startswith("[") else value
