"""A network's table of layers, in the form of Table 1 of He et al. 2015, computed from the network's graph."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..runtime import mx
from . import zoo
from .loss import logits_symbol
from .nodes import Node, nodes

# He et al. 2015 (arXiv 1512.03385), Table 1. By depth: how many residual blocks stages 1 to 4 have
# (conv2_x to conv5_x there), and the multiply-adds at 224x224 in units of 10^9, as printed.
PAPER = {
    18: ((2, 2, 2, 2), 1.8),
    34: ((3, 4, 6, 3), 3.6),
    50: ((3, 4, 6, 3), 3.8),
    101: ((3, 4, 23, 3), 7.6),
    152: ((3, 8, 36, 3), 11.3),
}
PAPER_SHAPE = (3, 224, 224)
FULLY_CONNECTED = "fully connected"


@dataclass(frozen=True)
class Layer:
    """A node of the graph with parameters learned by gradient. The numbers are for one image.

    multiply_adds: of convolutions and fully connected layers, one for each weight at each place of the
    output; adding a bias is not counted, nor is anything of the other kinds (0).
    """

    group: str  # stem, stage 1, ..., classifier
    kind: str
    output: tuple[int, ...]  # (channels, height, width) or (units,)
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class SizeTable:
    """The layers of a network, in the order of its graph, for images of `shape`."""

    name: str
    shape: tuple[int, int, int]
    layers: tuple[Layer, ...]

    @property
    def multiply_adds(self) -> int:
        """Of one image's forward pass."""
        return _multiply_adds(self.layers)

    @property
    def parameters(self) -> int:
        """How many numbers are learned by gradient: batch norm's running statistics are not."""
        return sum(layer.parameters for layer in self.layers)

    def text(self) -> str:
        """Write the table for a terminal; for the networks of the paper's Table 1, also the differences from it."""
        header = f"{'group':12}{'output':>14}{'layers':>8}{'parameters':>14}{'multiply-adds':>18}"
        rows = [_row(group, layers) for group, layers in _groups(self.layers).items()]
        total = _row("sum", self.layers, output="")
        return "\n".join([f"{self.name} at {_by(self.shape)}", header, *rows, total, *self._against_paper()])

    def _against_paper(self) -> list[str]:
        match = re.fullmatch(r"resnet(\d+)_v1[bcdes]?", self.name)
        if not match or self.shape != PAPER_SHAPE:
            return []
        depth = int(match[1])
        paper, total = PAPER[depth][1], self.multiply_adds / 1e9
        agrees = f"{total:.1f}" == f"{paper:.1f}"
        verdict = "the same at that precision" if agrees else f"{total - paper:+.3f}"
        return [
            "",
            f"Table 1 of He et al. 2015 (in 10^9): {paper}; here: {total:.3f}, {verdict}",
            *differences(self.layers, paper_layers(depth)),
        ]


def size_table(name: str, shape: tuple[int, int, int] | None = None, classes: int | None = None) -> SizeTable:
    """Make the table of a network by name, by shape inference on its graph: no image is computed.

    `shape` is (channels, height, width). `shape` and `classes` default to the data set that the network was
    published for: (3, 224, 224) and 1,000 of ImageNet, (3, 32, 32) and 10 of CIFAR-10.
    Raises UserError as `models.build` does.
    """
    zoo.check(name)
    shape = shape or zoo.usual_shape(name)
    net = zoo.build(name, classes or (10 if name.startswith("cifar_") else 1000), shape)
    learned = {key for key, value in net.collect_params().items() if value.grad_req != "null"}
    return SizeTable(name, shape, _layers(logits_symbol(net), shape, learned))


def _layers(symbol: mx.sym.Symbol, shape: tuple[int, int, int], learned: set[str]) -> tuple[Layer, ...]:
    graph = nodes(symbol)
    internals = symbol.get_internals()
    shapes = dict(zip(internals.list_outputs(), internals.infer_shape(data=(1, *shape))[1], strict=True))
    staged = any(_stage(node.name) for node in graph)
    layers: list[Layer] = []
    for node in graph:
        inputs = [graph[number].name for number in node.inputs]
        parameters = learned.intersection(inputs)
        if node.op == "null" or not parameters:
            continue
        learned = learned - parameters  # a parameter that several layers share is counted once
        output = shapes.get(f"{node.name}_output") or shapes[f"{node.name}_output0"]
        kind, multiply_adds = _kind(node), 0
        if node.op in ("Convolution", "FullyConnected"):
            # The shape of a convolution's weight has its groups in it: (out, in / groups, height, width).
            multiply_adds = math.prod(shapes[inputs[1]]) * math.prod(output[2:])
        group = _group(node.name, kind, output, layers, staged)
        size = sum(math.prod(shapes[name]) for name in parameters)
        layers.append(Layer(group, kind, tuple(output[1:]), size, multiply_adds))
    return tuple(layers)


def _kind(node: Node) -> str:
    if node.op == "Convolution":
        return f"{_by(re.findall(r'[0-9]+', node.attributes['kernel']))} convolution"
    return FULLY_CONNECTED if node.op == "FullyConnected" else node.op


def _stage(name: str) -> str | None:
    """The number of the stage in names such as `resnetv10_stage1_conv0_fwd` and `resnetv1b_layers1_...`."""
    match = re.search(r"(?:stage|layers|down)([1-9])_", name)
    return match and match[1]


def _group(name: str, kind: str, output: tuple[int, ...], before: list[Layer], staged: bool) -> str:
    if stage := _stage(name):
        return f"stage {stage}"
    if kind == FULLY_CONNECTED or len(output) == 2:
        return "classifier"
    if not staged:  # the network names no stages, such as VGG: layers of one size go together
        return f"at {_by(output[2:])}"
    return before[-1].group if before else "stem"


def _groups(layers: Iterable[Layer]) -> dict[str, list[Layer]]:
    groups: dict[str, list[Layer]] = {}
    for layer in layers:
        groups.setdefault(layer.group, []).append(layer)
    return groups


def _row(group: str, layers: Iterable[Layer], output: str | None = None) -> str:
    layers = list(layers)
    weighted = sum(layer.multiply_adds > 0 for layer in layers)
    parameters = sum(layer.parameters for layer in layers)
    output = _by(layers[-1].output) if output is None else output
    return f"{group:12}{output:>14}{weighted:>8}{parameters:>14,}{_multiply_adds(layers):>18,}"


def _by(sizes: Iterable) -> str:
    return "x".join(map(str, sizes))


def _multiply_adds(layers: Iterable[Layer]) -> int:
    return sum(layer.multiply_adds for layer in layers)


def paper_layers(depth: int) -> tuple[Layer, ...]:
    """The convolutions and the fully connected layer of a column of Table 1; `parameters` without biases.

    A stage's stride of 2 is in its first convolution, as in the networks that the authors published
    (github.com/KaimingHe/deep-residual-networks). A shortcut whose sizes differ has a 1x1 projection; the
    paper also has networks of 18 and 34 layers without (its option A).
    """
    layers = [_convolution("stem", 7, 3, 64, 112)]
    channels = 64
    for stage, blocks in enumerate(PAPER[depth][0], start=1):
        width, size, group = 32 << stage, 112 >> stage, f"stage {stage}"
        block = [(3, width), (3, width)] if depth < 50 else [(1, width), (3, width), (1, 4 * width)]
        for index in range(blocks):
            if index == 0 and channels != block[-1][1]:
                layers.append(_convolution(group, 1, channels, block[-1][1], size))
            for kernel, outputs in block:
                layers.append(_convolution(group, kernel, channels, outputs, size))
                channels = outputs
    layers.append(Layer("classifier", FULLY_CONNECTED, (1000,), channels * 1000, channels * 1000))
    return tuple(layers)


def _convolution(group: str, kernel: int, channels: int, outputs: int, size: int) -> Layer:
    weights = kernel * kernel * channels * outputs
    kind = f"{kernel}x{kernel} convolution"
    return Layer(group, kind, (outputs, size, size), weights, weights * size * size)


def differences(layers: Iterable[Layer], paper: Iterable[Layer]) -> list[str]:
    """Name the layers that differ from the paper's, a line for each group, with the multiply-adds in 10^9."""
    mine, theirs = (_groups(layer for layer in each if layer.multiply_adds) for each in (layers, paper))
    lines = []
    for group in {**mine, **theirs}:
        here, there = (
            Counter((x.kind, x.output, x.multiply_adds) for x in each.get(group, ()))
            for each in (mine, theirs)
        )
        if here != there:
            change = (_multiply_adds(mine.get(group, ())) - _multiply_adds(theirs.get(group, ()))) / 1e9
            lines.append(
                f"  {group} {change:+.3f}: {_named(here - there)} where the paper has {_named(there - here)}"
            )
    count = sum(map(len, theirs.values()))
    return lines or [
        f"  layer by layer: all {count} have the kernel, output and multiply-adds of the paper's"
    ]


def _named(layers: Counter) -> str:
    return (
        " and ".join(
            f"{f'{count} x ' if count > 1 else ''}{kind} to {_by(output)} ({cost / 1e9:.3f})"
            for (kind, output, cost), count in layers.items()
        )
        or "none"
    )
