"""Test when backward starts: the audit counts from Python, the engine's own timeline shows what ran."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from itertools import groupby, pairwise

import numpy as np

from ...audit.confirm.per_example import relative_difference
from ...runtime import mx
from ...training import seed_everything
from ..claim import Claim, Evidence, Figure, Judgement, Setting, Table, Verdict
from ..lab import figures, small_networks, splits
from ._backward_watched import EXAMPLES, backward, in_parts, kind, watch_trainings

PARTS = 4  # micro-batches of an accumulated batch
LAYERS = {"Convolution", "FullyConnected", "_backward_FullyConnected", "_backward_Convolution"}


def calls(method: Callable) -> list[str]:
    """List the statements of a method after its docstring, from Python's own syntax tree."""
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(method))).body
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    return [ast.unparse(statement) for statement in statements]


def bursts(operators: list[tuple[str, float, float]]) -> list[tuple[str, list]]:
    """Cut the engine's timeline where it changes between forward and backward: [("forward", operators), ...].

    operators: (name, begin, end) in the order of their beginning. Only the layers count: the gradient of a
    mean needs no data, so the engine may compute it while the forward is still running. If backward started
    after one image, this would cut a batch into many pieces.
    """
    layers = [operator for operator in operators if operator[0] in LAYERS]
    return [(each, list(run)) for each, run in groupby(layers, key=lambda operator: kind(operator[0]))]


CLAIM = Claim(
    id="backward-per-batch",
    heading="backward",
    order=1,
    quote="答案是等待一个batch处理完之后开始。",
    question="A batch of 64 images goes forward. How often does backward run before the weights change?",
    answers={
        Verdict.CONFIRMED: "Once, after all 64.",
        Verdict.REFUTED: "64 times, after each image.",
    },
    rules=("backward-once", "call-order"),
    commands=(
        "mx-notes audit tests/programs/bugs/gluon_two_losses_two_backwards.py",
        "mx-notes audit tests/programs/bugs/module_update_before_backward.py",
    ),
    statement=(
        "Backward does not start when one image is through, but when the whole batch is. MXNet's code shows it: "
        "Module.forward_backward is two calls, forward of the batch, then backward."
    ),
    method=(
        "A ResNet-20 by Module and a convolutional net by Gluon are trained on digits under two witnesses: the "
        "audit, which sees what Python calls, and the engine's profiler, which sees what was executed and when. A "
        "control that runs backward after each example must be counted as that. The statements of "
        "BaseModule.forward_backward are read from its syntax tree."
    ),
    criterion=(
        "Confirmed if the method has 2 statements, forward and backward, and if in both trainings each of at least "
        "20 updates has exactly 1 backward pass, after its forward, by the audit, and the engine executes the "
        "batch's forward and its backward as 1 unbroken run each. Refuted otherwise. Inconclusive if the control's "
        f"{EXAMPLES} backward passes for an update are not seen by both witnesses."
    ),
    shown=(calls, bursts),
)


def verdict(numbers: dict) -> Judgement:
    """Apply the criterion to the measured numbers."""
    control = numbers["trainings"]["each example"]
    trainings = {name: t for name, t in numbers["trainings"].items() if name != "each example"}
    updates = sum(t["updates"] for t in trainings.values())
    backwards = sum(t["backward"] for t in trainings.values())
    deciding = f"Two witnesses counted {backwards} backward passes for {updates} updates of the weights."
    if not control["updates"] or any(
        control[count] != EXAMPLES * control["updates"] for count in ("backward", "engine_backward")
    ):
        return Judgement(Verdict.INCONCLUSIVE, deciding, "The control's backward passes were not all seen.")
    wrong = [
        name
        for name, t in trainings.items()
        if t["updates"] < 20
        or t["backward_per_update"] != [1]
        or not t["in_order"]
        or not t["engine_backward"] == t["whole_forwards"] == t["whole_backwards"] == t["updates"]
    ]
    two = [statement.partition("(")[0] for statement in numbers["statements"]]
    if two != ["self.forward", "self.backward"]:
        wrong.append("forward_backward")
    if wrong:
        return Judgement(Verdict.REFUTED, deciding, f"Not once for each whole batch: {', '.join(wrong)}.")
    return Judgement(
        Verdict.CONFIRMED,
        deciding,
        f"Both witnesses count one backward pass for each of {updates} updates, each an unbroken run after the "
        f"whole batch's forward; the control is counted as {EXAMPLES} for an update.",
    )


def measure(setting: Setting) -> Evidence:
    """Watch three trainings, and add up the gradients of micro-batches."""
    seen = watch_trainings(setting)
    numbers = {
        "statements": calls(mx.mod.BaseModule.forward_backward),
        "trainings": {name: _summary(training) for name, training in seen.items()},
        "accumulated": {
            "without batch norm": accumulated(setting.seed, batch_norm=False),
            "with batch norm": accumulated(setting.seed, batch_norm=True),
        },
    }
    judgement = verdict(numbers)
    return Evidence(
        verdict=judgement.verdict,
        deciding=judgement.deciding,
        reason=f"{judgement.reason} {_accumulation(numbers['accumulated'])}",
        numbers=numbers,
        tables=[_table(numbers)],
        figures=[_figure(seen)],
        sample="digits; "
        + ", ".join(f"{name}: {t['updates']} updates" for name, t in numbers["trainings"].items()),
    )


def accumulated(seed: int, batch_norm: bool) -> float:
    """How far the sum of micro-batches' gradients is from the whole batch's gradient (relative, float32)."""
    seed_everything(seed)
    net = small_networks.convolutional(batch_norm=batch_norm)
    net.initialize()
    split = splits.digits(seed).fewer(PARTS * EXAMPLES)
    net(mx.nd.array(split.train_images))  # tells the parameters their shapes

    def gradient(parts: int) -> dict[str, np.ndarray]:
        net.collect_params().setattr("grad_req", "add")
        net.collect_params().zero_grad()
        for images, labels in in_parts(split, parts):
            backward(net, images, labels)
        mx.nd.waitall()
        learned = {name: p for name, p in net.collect_params().items() if p.grad_req != "null"}
        return {name: p.grad().asnumpy() for name, p in learned.items()}

    return relative_difference(gradient(1), gradient(PARTS))


def _summary(training: dict) -> dict:
    operators, convolutions = training["operators"], training["convolutions"]
    runs = bursts(operators)
    pairs = [(a, b) for (name, a), (_, b) in pairwise(runs) if name == "forward"]
    return {
        "updates": training["updates"],
        "backward": sum(training["backward"]),
        "backward_per_update": sorted(set(training["backward"])),
        "in_order": training["in_order"],
        "engine_backward": _times("_backward_Convolution", operators) / convolutions,
        # An evaluation may stand before a batch's forward and lengthen its run.
        "whole_forwards": sum(_times("Convolution", a) >= convolutions for a, _ in pairs),
        "whole_backwards": sum(_times("_backward_Convolution", b) == convolutions for _, b in pairs),
        "shortest_gap_us": min(b[0][1] - a[-1][2] for a, b in pairs),
    }


def _times(name: str, operators: list) -> int:
    return sum(operator[0] == name for operator in operators)


def _accumulation(differences: dict[str, float]) -> str:
    without, with_ = differences.values()
    return (
        f"It is no law of backpropagation: {PARTS} backward passes over parts of a batch, added up before one "
        f"update, give the whole batch's gradient to {without:.0e}; with batch norm, whose statistics are then the "
        f"parts' own, it differs by {with_:.0%}."
    )


def _table(numbers: dict) -> Table:
    columns = ("training", "updates", "backward passes (Python)", "backward passes (engine)", "for an update")
    rows = [
        (
            name,
            t["updates"],
            t["backward"],
            t["engine_backward"],
            ", ".join(map(str, t["backward_per_update"])),
        )
        for name, t in numbers["trainings"].items()
    ]
    caption = (
        "Two witnesses; the engine's passes are its convolutions' backwards, divided by the convolutions"
    )
    return Table(caption, columns, rows)


def _figure(seen: dict[str, dict]) -> Figure:
    drawing, panels = figures.new(2, height=1.9)
    titles = {"Module": "Module: three batches of ResNet-20", "each example": "Control: each of 16 examples"}
    rows = ("update", "backward", "forward")
    for axes, (name, title) in zip(panels, titles.items(), strict=True):
        operators = _window(seen[name]["operators"], 3 if name == "Module" else EXAMPLES)
        begin = operators[0][1]
        for row, which in enumerate(rows):
            bars = [((a - begin) / 1000, (b - a) / 1000) for each, a, b in operators if kind(each) == which]
            axes.broken_barh(bars, (row - 0.35, 0.7), color=figures.COLOURS[2 - row])
        axes.set_yticks(range(len(rows)), rows)
        axes.set(xlabel="time (ms)", title=title)
    return Figure.of(
        drawing,
        "What the engine executed when. Above, one backward follows the whole forward of each batch, and a "
        "parameter is updated as soon as its gradient is there. Below, what the note says is not done.",
    )


def _window(operators: list, batches: int) -> list:
    """Keep the operators of the last `batches` batches, from their first forward to their last update."""
    heads = [begin for name, begin, _ in operators if name == "_backward_FullyConnected"]
    before = max(
        end for name, begin, end in operators if "_backward_Conv" in name and begin < heads[-batches]
    )
    begin = next(o[1] for o in operators if kind(o[0]) == "forward" and o[1] >= before)
    end = max(o[2] for o in operators if kind(o[0]) == "update")
    return [o for o in operators if begin <= o[1] <= end]
