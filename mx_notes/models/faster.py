"""Changes of a graph that keep its numbers and cost it less time on the CPU."""

from __future__ import annotations

import ast
from collections import defaultdict

from ..runtime import mx
from .nodes import parsed, symbol_of

FUSED = "_contrib_BatchNormWithReLU"
WHAT = (
    "on the CPU: global average pooling as a mean over height and width, batch norm with its ReLU as one operator"
    " (same numbers, less time)"
)


def faster(symbol: mx.sym.Symbol, devices: list[mx.Context], shape: tuple[int, int, int]) -> mx.sym.Symbol:
    """Change the symbol for speed on these devices; its `data` are float32 images of that shape, (C, H, W)."""
    if any(device.device_type != "cpu" for device in devices):
        return symbol
    return with_fused_relus(with_global_means(symbol), shape)


def with_global_means(symbol: mx.sym.Symbol) -> mx.sym.Symbol:
    """Compute the symbol's global average poolings, over (N, C, H, W), as means over H and W.

    Sums are taken in another order: outputs and gradients differ by float32's rounding. Why: on processors
    with AVX-512, oneDNN 2.4, which is in MXNet 1.9.1, puts the gradient of a global pooling in a memory
    layout (acdB16b) for which it has fast code neither for this pooling nor for the last stage's batch norms,
    to which shortcuts hand it on. The gradient of a mean has MXNet's plain layout. DNNL_VERBOSE=1 shows it.
    """
    graph = parsed(symbol)
    for node in graph["nodes"]:
        attributes = node.get("attrs", {})
        if (
            node["op"] == "Pooling"
            and attributes.get("global_pool") in ("True", "1")
            and attributes.get("pool_type") == "avg"
            and len(ast.literal_eval(attributes.get("kernel", "(1, 1)"))) == 2
        ):
            node["op"], node["attrs"] = "mean", {"axis": "(2, 3)", "keepdims": "True"}
    return symbol_of(graph)


def with_fused_relus(symbol: mx.sym.Symbol, shape: tuple[int, int, int]) -> mx.sym.Symbol:
    """Make batch norm and ReLU one operator wherever nothing but these two is between two convolutions.

    MXNet has the operator for float32 (N, C, H, W) on the CPU only (src/operator/contrib/batch_norm_relu.cc).
    It remembers which outputs are positive, and so spares both passes of the ReLU over memory. oneDNN has no
    backward pass for it where the gradient comes in another memory layout than the data. Between
    convolutions without groups, from and to multiples of 16 channels, both have the same layout.
    """
    graph = parsed(symbol)
    nodes = graph["nodes"]
    arguments, _, _ = symbol.infer_shape(data=(1, *shape))
    shapes = dict(zip(symbol.list_arguments(), arguments, strict=True))

    def is_usual(node: dict) -> bool:
        if node["op"] != "Convolution" or node["attrs"].get("num_group", "1") != "1":
            return False
        outputs, inputs, *_ = shapes[nodes[node["inputs"][1][0]]["name"]]
        return outputs % 16 == inputs % 16 == 0

    readers = defaultdict(list)
    for node in [*nodes, {"op": "output", "inputs": graph["heads"]}]:
        for number, *_ in node["inputs"]:
            readers[number].append(node)
    place: list[int] = []  # of each old node among the new ones
    kept = []
    for number, node in enumerate(nodes):
        if _is_relu(node):
            (before, *_), *_ = node["inputs"]
            norm = nodes[before]
            if norm["op"] == "BatchNorm" and len(readers[before]) == 1 == len(readers[number]):
                (source, *_), *_ = norm["inputs"]
                if is_usual(nodes[source]) and is_usual(readers[number][0]):
                    norm["op"] = FUSED
                    place.append(place[before])
                    continue
        place.append(len(kept))
        kept.append(node)
    for source in [source for node in nodes for source in node["inputs"]] + graph["heads"]:
        source[0] = place[source[0]]
    graph["nodes"] = kept
    graph["arg_nodes"] = [place[number] for number in graph["arg_nodes"]]
    del graph["node_row_ptr"]  # MXNet counts the outputs again
    return symbol_of(graph)


def _is_relu(node: dict) -> bool:
    return node["op"] == "Activation" and node["attrs"]["act_type"] == "relu"
