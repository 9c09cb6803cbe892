"""A network's table of layers, as in Table 1 of He et al. 2015, computed from its graph."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

from . import models
from .runtime import mx

# He et al. 2015 (arXiv 1512.03385), Table 1: multiply-adds at 224×224, in units of 10^9.
PAPER = {18: 1.8, 34: 3.6, 50: 3.8, 101: 7.6, 152: 11.3}


@dataclass(frozen=True)
class Layer:
    """A convolution or fully connected layer. multiply_adds: for one image, biases not counted."""

    name: str
    group: str
    kernel: str
    output: tuple[int, ...]  # (channels, height, width) or (units,)
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class SizeTable:
    """The layers of a network at one input size, and its other parameters (batch norm, biases)."""

    name: str
    shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    parameters: int  # all that are learned by gradient

    @property
    def multiply_adds(self) -> int:
        """For one image, all layers."""
        return sum(layer.multiply_adds for layer in self.layers)

    def text(self) -> str:
        """The table for a terminal, with what Table 1 of the paper says where it says something."""
        size = "×".join(map(str, self.shape))
        lines = [f"{self.name} at {size}", f"{'group':12}{'output':>14}{'layers':>8}{'parameters':>14}{'multiply-adds':>18}"]
        for group in dict.fromkeys(layer.group for layer in self.layers):
            layers = [layer for layer in self.layers if layer.group == group]
            lines.append(_row(group, "×".join(map(str, layers[-1].output)), layers))
        lines.append(_row("sum", "", self.layers))
        lines.append(f"{self.parameters:,} parameters with batch norm's and biases")
        return "\n".join(lines + self._against_paper())

    def _against_paper(self) -> list[str]:
        match = re.fullmatch(r"resnet(\d+)_v1[b-e]?", self.name)
        if not match or int(match[1]) not in PAPER or self.shape[1:] != (224, 224):
            return []
        paper, total = PAPER[int(match[1])], self.multiply_adds / 1e9
        agrees = f"{total:.1f}" == f"{paper:.1f}"
        lines = [
            f"Table 1 of He et al. 2015: {paper} ×10^9; here {total:.3f} ×10^9"
            + (", the same to its precision" if agrees else f", {total - paper:+.3f}")
        ]
        if agrees:
            return lines
        if self.name.endswith("_v1"):
            shortcuts = sum(layer.multiply_adds for layer in self.layers if layer.group.startswith("shortcut"))
            return [*lines, *_explain_rounding(total, paper, shortcuts / 1e9)]
        original = {layer.name: layer for layer in size_table(f"resnet{match[1]}_v1", self.shape).layers}
        return [*lines, *_compare(self.layers, tuple(original.values()))]


def _explain_rounding(total: float, paper: float, shortcuts: float) -> list[str]:
    """Ways to count that give the paper's figure."""
    ways = []
    if math.floor(total * 10) / 10 == paper:
        ways.append("cut off after the first decimal instead of rounded")
    if f"{total - shortcuts:.1f}" == f"{paper:.1f}":
        ways.append(f"counted without the projection shortcuts ({shortcuts:.3f} ×10^9)")
    layers = "no layer differs from the paper's: the stride is in a block's first convolution"
    return [f"  {layers}; the sum is the paper's if it is " + " or ".join(ways) if ways else f"  {layers}"]


def _compare(layers: tuple[Layer, ...], original: tuple[Layer, ...]) -> list[str]:
    """The layers that cost something else than their counterparts in the v1 network, group by group."""
    lines = []
    for group in dict.fromkeys(layer.group for layer in layers):
        mine = [layer for layer in layers if layer.group == group]
        theirs = [layer for layer in original if layer.group == group]
        for layer, counterpart in zip(mine, theirs, strict=False):
            change = layer.multiply_adds - counterpart.multiply_adds
            if change:
                lines.append(
                    f"  {group}, {layer.kernel} to {'×'.join(map(str, layer.output))}: {change / 1e9:+.3f} ×10^9"
                    f" against v1's {counterpart.kernel} to {'×'.join(map(str, counterpart.output))}"
                )
        if len(mine) != len(theirs):
            change = sum(x.multiply_adds for x in mine[len(theirs) :])
            lines.append(f"  {group}: {len(mine) - len(theirs):+d} layers, {change / 1e9:+.3f} ×10^9")
    return lines


def _row(group: str, output: str, layers) -> str:
    parameters = sum(layer.parameters for layer in layers)
    cost = sum(layer.multiply_adds for layer in layers)
    return f"{group:12}{output:>14}{len(layers):>8}{parameters:>14,}{cost:>18,}"


def size_table(name: str, shape: tuple[int, int, int] = (3, 224, 224), classes: int = 1000) -> SizeTable:
    """The table of a network by name, by shape inference on its graph: nothing is computed with images."""
    symbol = models._logits(models.build(name, classes, shape))
    nodes = json.loads(symbol.tojson())["nodes"]
    internals = symbol.get_internals()
    shapes = dict(zip(internals.list_outputs(), internals.infer_shape(data=(1, *shape))[1], strict=True))
    layers = []
    for node in nodes:
        if node["op"] not in ("Convolution", "FullyConnected"):
            continue
        weight = shapes[nodes[node["inputs"][1][0]]["name"]]
        output = shapes[f"{node['name']}_output"][1:]
        kernel = node.get("attrs", {}).get("kernel", "").strip("()").replace(", ", "×")
        layers.append(
            Layer(
                node["name"],
                _group(node["name"], layers),
                f"{kernel} convolution" if kernel else "fully connected",
                tuple(output),
                math.prod(weight),
                # Each weight is used once at every place of the output.
                math.prod(weight) * math.prod(output[1:]),
            )
        )
    arguments = dict(zip(symbol.list_arguments(), symbol.infer_shape(data=(1, *shape))[0], strict=True))
    learned = sum(math.prod(size) for argument, size in arguments.items() if argument != "data")
    return SizeTable(name, shape, tuple(layers), learned)


def _group(name: str, before: list[Layer]) -> str:
    stage = re.search(r"(?:stage|layers)(\d+)_", name)
    if stage:
        return f"stage {stage[1]}"
    return "classifier" if any(layer.group.startswith("stage") for layer in before) else "stem"
