"""Test the ResNet family's table: hold the layers in the graphs of Gluon's networks against the paper's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ... import models
from ...models.nodes import nodes
from ...models.size_table import PAPER, PAPER_SHAPE, Layer, paper_layers, size_table
from ...runtime import mx
from ..claim import Claim, Evidence, Figure, Judgement, Setting, Table, Verdict
from ..lab import figures


def longest_path(symbol: mx.sym.Symbol) -> int:
    """Count the convolutions and fully connected layers on the longest way from input to output."""
    depth = []
    for node in nodes(symbol):  # every node comes after its inputs
        before = max((depth[source] for source in node.inputs), default=0)
        depth.append(before + (node.op in ("Convolution", "FullyConnected")))
    return max(depth)


def blocks(symbol: mx.sym.Symbol) -> dict[str, int]:
    """Count the shortcuts of each stage, which are the additions in the graph."""
    additions = [node.name for node in nodes(symbol) if node.op in ("elemwise_add", "broadcast_add")]
    return dict(Counter(f"stage {name.partition('stage')[2][0]}" for name in additions))


CLAIM = Claim(
    id="resnet-table",
    heading="resnet",
    order=1,
    quote="",
    question="The table says that the five networks need 1.8, 3.6, 3.8, 7.6 and 11.3 billion multiply-adds. Count them in the graphs: do the sums agree?",
    answers={
        Verdict.CONFIRMED: "Yes, all five.",
        Verdict.CORRECTED: "Not all of them, though every layer does.",
        Verdict.REFUTED: "No: Gluon's layers are others.",
    },
    commands=("mx-notes models resnet50_v1",),
    statement=(
        "The ResNets of 18, 34, 50, 101 and 152 layers are one family: a stem, four stages of residual blocks, "
        "a classifier. The note shows it as Table 1 of He et al. 2015, with 1.8, 3.6, 3.8, 7.6 and 11.3 billion "
        "multiply-adds for an image of 224×224."
    ),
    method=(
        "Gluon's five networks are built and turned into graphs. Shape inference gives the size of every "
        "convolution and of the fully connected layer; each weight costs one multiply-add at each place of the "
        "output. The depth is the largest number of such layers on a path from input to output, a block is an "
        "addition of a shortcut."
    ),
    criterion=(
        "Confirmed if in all 5 networks the longest path has as many layers as the name says, every layer has the "
        "kernel, output and multiply-adds of Table 1's, and the sum rounds to the figure printed there (one "
        "decimal, $10^9$). Corrected if the layers agree and a sum does not. Refuted if a layer differs."
    ),
    shown=(longest_path, blocks),
)


def measure(setting: Setting) -> Evidence:
    """Build the five networks; takes no samples, so `setting` changes nothing."""
    networks = {}
    for depth, (paper_blocks, printed) in PAPER.items():
        name = f"resnet{depth}_v1"
        symbol = models.logits_symbol(models.build(name, 1000, PAPER_SHAPE))
        table = size_table(name)
        networks[depth] = {
            "longest_path": longest_path(symbol),
            "blocks": list(blocks(symbol).values()),
            "paper_blocks": list(paper_blocks),
            "layers_that_differ": differing(table.layers, paper_layers(depth)),
            "parameters": table.parameters,
            "multiply_adds": table.multiply_adds,
            "printed": printed,
            "by_group": _by_group(table.layers),
            "block": _block_of_each_stage(table.layers, blocks(symbol)),
            "multiply_adds_of_v1b": size_table(f"{name}b").multiply_adds,
        }
    return Evidence(
        **verdict(networks)._asdict(),
        numbers={str(depth): network for depth, network in networks.items()},
        tables=[_family_table(networks), _stages_table(networks)],
        figures=[_figure(networks)],
        sample="five graphs, by shape inference",
    )


def differing(layers: Iterable[Layer], paper: Iterable[Layer]) -> int:
    """Count the layers with multiply-adds that only one of two networks has, or has at another size."""
    here, there = (
        Counter((x.group, x.kind, x.output, x.multiply_adds) for x in each if x.multiply_adds)
        for each in (layers, paper)
    )
    return sum(((here - there) + (there - here)).values())


def verdict(networks: dict[int, dict]) -> Judgement:
    """Apply the criterion to the networks, by depth."""
    wrong = [
        depth
        for depth, found in networks.items()
        if found["longest_path"] != depth
        or found["layers_that_differ"]
        or found["blocks"] != found["paper_blocks"]
    ]
    if wrong:
        named = ", ".join(map(str, wrong))
        return Judgement(
            Verdict.REFUTED, f"Layers differ in ResNet-{named}.", f"Not built as in Table 1: {named}."
        )
    same = {depth for depth, found in networks.items() if as_printed(found)}
    deciding = (
        f"Every layer of all {len(networks)} networks is as in the table, the printed sum in {len(same)}."
    )
    reason = "Depth, blocks and every single layer of all five are those of Table 1"
    if len(same) == len(networks):
        return Judgement(Verdict.CONFIRMED, deciding, f"{reason}, and so are the sums as printed.")
    off = [(depth, found) for depth, found in networks.items() if depth not in same]
    sums = "; ".join(
        f"ResNet-{depth} needs {found['multiply_adds'] / 1e9:.3f}, which rounds to "
        f"{found['multiply_adds'] / 1e9:.1f}, not {found['printed']}"
        for depth, found in off
    )
    correction = f"The layers are right, not all sums (in $10^9$): {sums}."
    return Judgement(
        Verdict.CORRECTED,
        deciding,
        f"{reason}, but {len(off)} of the printed sums are not theirs.",
        correction,
    )


def as_printed(found: dict) -> bool:
    """Whether the multiply-adds of a network, in 10^9, round to the figure that the paper prints."""
    return f"{found['multiply_adds'] / 1e9:.1f}" == f"{found['printed']:.1f}"


def _by_group(layers: Iterable[Layer]) -> dict[str, int]:
    sums: Counter = Counter()
    for layer in layers:
        sums[layer.group] += layer.multiply_adds
    return dict(sums)


def _block_of_each_stage(layers: Iterable[Layer], counts: dict[str, int]) -> dict[str, str]:
    """Describe each stage by its output size and its last block's layers (its first may have a projection besides)."""
    found = {}
    for stage, count in counts.items():
        weighted = [layer for layer in layers if layer.group == stage and layer.multiply_adds]
        block = weighted[-(len(weighted) // count) :]
        size = block[-1].output[-1]
        kinds = ", ".join(f"{x.kind.split()[0].replace('x', '×')} to {x.output[0]}" for x in block)
        found[stage] = f"{stage}, {size}×{size}: {kinds}"
    return found


def _family_table(networks: dict[int, dict]) -> Table:
    columns = (
        "network",
        "layers on the longest path",
        "parameters ($10^6$)",
        "multiply-adds ($10^9$)",
        "in Table 1",
        "agrees",
    )
    rows = [
        (
            f"ResNet-{depth}",
            found["longest_path"],
            found["parameters"] / 1e6,
            found["multiply_adds"] / 1e9,
            found["printed"],
            "yes" if as_printed(found) else "no",
        )
        for depth, found in networks.items()
    ]
    return Table("Gluon's networks for one image of 3×224×224", columns, rows)


def _stages_table(networks: dict[int, dict]) -> Table:
    counts: dict[str, dict[int, int]] = {}
    for depth, found in networks.items():
        for block, count in zip(found["block"].values(), found["blocks"], strict=True):
            counts.setdefault(block, {})[depth] = count
    rows = [(block, *(counts[block].get(depth, "") for depth in networks)) for block in sorted(counts)]
    return Table("How many of which block each network has", ("block", *map(str, networks)), rows)


def _figure(networks: dict[int, dict]) -> Figure:
    drawing, (axes,) = figures.new()
    places = range(len(networks))
    start = [0.0] * len(networks)
    for index, group in enumerate(next(iter(networks.values()))["by_group"]):
        if group == "classifier":  # at most 0.002: not to be seen
            continue
        costs = [found["by_group"][group] / 1e9 for found in networks.values()]
        axes.bar(places, costs, bottom=start, color=figures.COLOURS[index], width=0.6, label=group)
        start = [low + cost for low, cost in zip(start, costs, strict=True)]
    printed = [found["printed"] for found in networks.values()]
    axes.plot(places, printed, "_", color=figures.INK, ms=20, mew=2, label="printed in Table 1")
    axes.set_xticks(places, [str(depth) for depth in networks])
    axes.set(xlabel="layers", ylabel="multiply-adds of one image ($10^9$)", title="What the depths cost")
    axes.grid(False, axis="x")
    figures.legend(axes, loc="upper left")
    return Figure.of(
        drawing,
        "Multiply-adds by stage, counted in the graphs, and the sum that the paper prints (its conv2_x to conv5_x "
        "are stages 1 to 4). The deep ones spend theirs in the third stage.",
    )
