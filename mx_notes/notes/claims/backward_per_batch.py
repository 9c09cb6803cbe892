"""When backward starts: counted from Python by the audit, and seen in the engine's own timeline."""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path

import numpy as np

from ... import audit
from ...audit.confirm.per_example import relative_difference
from ...recipes import preset
from ...runtime import mx
from ...training import fit, seed_everything, start
from ..claim import Claim, Evidence, Figure, Setting, Table, Verdict
from ..lab import figures, small

EXAMPLES = 16  # of the control's batches
PARTS = 4  # micro-batches of an accumulated batch
SAME = 1e-5  # relative; float32 sums in another order
LAYERS = {"Convolution", "FullyConnected", "_backward_FullyConnected", "_backward_Convolution"}


def calls(method: Callable) -> list[str]:
    """The statements of a method after its docstring, as Python's own syntax tree has them."""
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(method))).body
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    return [ast.unparse(statement) for statement in statements]


def bursts(operators: list[tuple[str, float, float]]) -> list[tuple[str, list]]:
    """The engine's timeline cut where it changes between forward and backward: [("forward", operators), ...].

    operators: (name, begin, end) in the order of their beginning. Only the layers count: the gradient of a
    mean needs no data, so the engine may compute it while the forward is still running. Were the backward to
    start after one image, a batch would be cut into many.
    """
    layers = [operator for operator in operators if operator[0] in LAYERS]
    return [(each, list(run)) for each, run in groupby(layers, key=lambda operator: kind(operator[0]))]


def kind(operator: str) -> str | None:
    """Whether an operator of the engine is part of a forward or a backward pass or an update, if any."""
    if "sgd" in operator:
        return "update"
    if operator.removeprefix("_backward_") not in (
        "Convolution",
        "BatchNorm",
        "Activation",
        "FullyConnected",
    ):
        return None
    return "backward" if operator.startswith("_backward_") else "forward"


CLAIM = Claim(
    id="backward-per-batch",
    heading="backward",
    order=1,
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


def measure(setting: Setting) -> Evidence:
    """Train in a process of its own: the profiler is the whole process's, and not to be restarted."""
    seen = _in_its_own_process(setting)
    numbers = {
        "statements": calls(mx.mod.BaseModule.forward_backward),
        "trainings": {name: _summary(training) for name, training in seen.items()},
        "accumulated": {
            "without batch norm": accumulated(setting.seed, batch_norm=False),
            "with batch norm": accumulated(setting.seed, batch_norm=True),
        },
    }
    decided, deciding, reason = verdict(numbers)
    return Evidence(
        verdict=decided,
        deciding=deciding,
        reason=f"{reason} {_accumulation(numbers['accumulated'])}",
        numbers=numbers,
        tables=[_table(numbers)],
        figures=[_figure(seen)],
        sample="digits; "
        + ", ".join(f"{name}: {t['updates']} updates" for name, t in numbers["trainings"].items()),
    )


def verdict(numbers: dict) -> tuple[Verdict, str, str]:
    """The verdict, the deciding number and the reason, from what was counted."""
    control = numbers["trainings"]["each example"]
    trainings = {name: t for name, t in numbers["trainings"].items() if name != "each example"}
    updates = sum(t["updates"] for t in trainings.values())
    backwards = sum(t["backward"] for t in trainings.values())
    deciding = f"{backwards} backward passes for {updates} updates"
    if not control["updates"] or any(
        control[count] != EXAMPLES * control["updates"] for count in ("backward", "engine_backward")
    ):
        return Verdict.INCONCLUSIVE, deciding, "The control's backward passes were not all seen."
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
        return Verdict.REFUTED, deciding, f"Not once for each whole batch: {', '.join(wrong)}."
    return (
        Verdict.CONFIRMED,
        deciding,
        f"Both witnesses count one backward pass for each of {updates} updates, each an unbroken run after the "
        f"whole batch's forward; the control is counted as {EXAMPLES} for an update.",
    )


def accumulated(seed: int, batch_norm: bool) -> float:
    """How far the sum of micro-batches' gradients is from the whole batch's (relative, float32)."""
    seed_everything(seed)
    net = small.convolutional(batch_norm=batch_norm)
    net.initialize()
    split = small.digits(seed).fewer(PARTS * EXAMPLES)
    net(mx.nd.array(split.train_images))  # tells the parameters their shapes

    def gradient(parts: int) -> dict[str, np.ndarray]:
        net.collect_params().setattr("grad_req", "add")
        net.collect_params().zero_grad()
        for images, labels in _in_parts(split, parts):
            _backward(net, images, labels)
        mx.nd.waitall()
        learned = {name: p for name, p in net.collect_params().items() if p.grad_req != "null"}
        return {name: p.grad().asnumpy() for name, p in learned.items()}

    return relative_difference(gradient(1), gradient(PARTS))


def _in_parts(split: small.Split, parts: int):
    images, labels = (np.array_split(each, parts) for each in (split.train_images, split.train_labels))
    return zip(map(mx.nd.array, images), map(mx.nd.array, labels), strict=True)


def _backward(net: mx.gluon.HybridBlock, images: mx.nd.NDArray, labels: mx.nd.NDArray) -> None:
    with mx.autograd.record():
        loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()(net(images), labels).sum()
    loss.backward()


# In the process that is watched


def by_module(seed: int, epochs: int) -> None:
    """ResNet-20, the way of the note: forward_backward and update."""
    fit(start(preset("digits").override([f"epochs={epochs}", f"seed={seed}"])))


def by_gluon(seed: int, epochs: int) -> None:
    """Two convolutions: record, backward, step."""
    small.train(small.convolutional(), small.digits(seed), epochs=epochs, seed=seed, batch_size=48)


def each_example(seed: int, epochs: int) -> None:
    """The control: what the note says is not done. Backward after each example, one update a batch."""
    seed_everything(seed)
    net = small.convolutional()
    net.initialize()
    net.hybridize(static_alloc=True)
    net.collect_params().setattr("grad_req", "add")
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    for _ in range(2 * epochs):
        for image, label in _in_parts(small.digits(seed).fewer(EXAMPLES), EXAMPLES):
            _backward(net, image, label)
        trainer.step(EXAMPLES)
        net.collect_params().zero_grad()


TRAININGS = {"Module": (by_module, 21), "Gluon": (by_gluon, 2), "each example": (each_example, 2)}


def watched(folder: Path, seed: int, epochs: int) -> dict[str, dict]:
    """Run the trainings under the audit and the profiler: {training: what both saw}."""
    trace = folder / "timeline.json"
    mx.profiler.set_config(
        profile_symbolic=True, profile_imperative=True, profile_api=False, filename=str(trace)
    )
    border = mx.profiler.Domain("trainings").new_marker("border")
    seen = {}
    for name, (train, convolutions) in TRAININGS.items():
        mx.profiler.set_state("run")
        with audit() as watch:
            train(seed, epochs)
        mx.nd.waitall()
        border.mark("process")
        seen[name] = {
            "convolutions": convolutions,
            "updates": watch.number_of_steps,
            "backward": [step.count("backward") for step in watch.steps],
            "in_order": all(step.in_order() for step in watch.steps),
        }
    mx.profiler.set_state("stop")
    mx.profiler.dump()
    for training, operators in zip(seen.values(), timeline(trace), strict=True):
        training["operators"] = operators
    return seen


def timeline(trace: Path) -> list[list[tuple[str, float, float]]]:
    """The operators of each training, (name, begin, end) in microseconds, from the profiler's file."""
    events = [e for e in json.loads(trace.read_text())["traceEvents"] if e["ph"] in "BEn"]
    trainings: list[list] = [[]]
    open_: dict[tuple, float] = {}
    for event in sorted(events, key=itemgetter("ts")):
        key = event["tid"], event["name"]
        if event["ph"] == "n":  # a border
            trainings.append([])
        elif event["ph"] == "B":
            open_[key] = event["ts"]
        elif kind(event["name"]):
            trainings[-1].append((event["name"], open_.pop(key), event["ts"]))
    return [sorted(operators, key=itemgetter(1)) for operators in trainings[:-1]]


# What was seen


def _in_its_own_process(setting: Setting) -> dict[str, dict]:
    epochs = "1" if setting.quick else "3"
    # Otherwise the engine runs, and reports, many operators as one.
    singly = {"MXNET_EXEC_BULK_EXEC_TRAIN": "0", "MXNET_EXEC_BULK_EXEC_MAX_NODE_TRAIN": "0"}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", __name__, folder, str(setting.seed), epochs]
        done = subprocess.run(command, env=os.environ | singly, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(
                f"the watched process ended with {done.returncode}: {done.stderr.strip()[-300:]}"
            )
        return json.loads((Path(folder) / "seen.json").read_text())


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
        # An evaluation may stand before a batch's forward, so that the run has more.
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
    """The operators from the forward of the last `batches` on, to the end of their updates."""
    heads = [begin for name, begin, _ in operators if name == "_backward_FullyConnected"]
    before = max(
        end for name, begin, end in operators if "_backward_Conv" in name and begin < heads[-batches]
    )
    begin = next(o[1] for o in operators if kind(o[0]) == "forward" and o[1] >= before)
    end = max(o[2] for o in operators if kind(o[0]) == "update")
    return [o for o in operators if begin <= o[1] <= end]


if __name__ == "__main__":
    folder, seed, epochs = Path(sys.argv[1]), *map(int, sys.argv[2:])
    (folder / "seen.json").write_text(json.dumps(watched(folder, seed, epochs)))
