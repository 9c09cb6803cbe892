"""Watch trainings with two witnesses: the audit sees Python's calls, MXNet's profiler the engine's work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

import numpy as np

from ... import audit
from ...recipes import preset
from ...runtime import mx
from ...training import fit, seed_everything, start
from ..claim import Setting
from ..lab import small_networks, small_training, splits

EXAMPLES = 16  # in a batch of the control


def watch_trainings(setting: Setting) -> dict[str, dict]:
    """Watch the TRAININGS in a process of their own: MXNet's profiler watches a whole process, and starts only once.

    By training: its "convolutions"; seen by the audit, its "updates", the "backward" passes of each, and whether
    all are "in_order"; seen by the profiler, its "operators", (name, begin, end) in microseconds.
    """
    epochs = "1" if setting.quick else "3"
    # By default the engine runs, and reports, many operators as one.
    singly = {"MXNET_EXEC_BULK_EXEC_TRAIN": "0", "MXNET_EXEC_BULK_EXEC_MAX_NODE_TRAIN": "0"}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", __name__, folder, str(setting.seed), epochs]
        done = subprocess.run(command, env=os.environ | singly, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(
                f"the watched process ended with {done.returncode}: {done.stderr.strip()[-300:]}"
            )
        return json.loads((Path(folder) / "seen.json").read_text())


def kind(operator: str) -> str | None:
    """Tell whether an operator of the engine belongs to a "forward", a "backward", an "update", or None of them."""
    if "sgd" in operator:
        return "update"
    layers = ("Convolution", "BatchNorm", "Activation", "FullyConnected")
    if operator.removeprefix("_backward_") not in layers:
        return None
    return "backward" if operator.startswith("_backward_") else "forward"


def in_parts(split: splits.Split, parts: int) -> Iterator[tuple[mx.nd.NDArray, mx.nd.NDArray]]:
    """Cut the training images and labels into parts of equal size."""
    images, labels = (np.array_split(each, parts) for each in (split.train_images, split.train_labels))
    return zip(map(mx.nd.array, images), map(mx.nd.array, labels), strict=True)


def backward(net: mx.gluon.HybridBlock, images: mx.nd.NDArray, labels: mx.nd.NDArray) -> None:
    """Run forward, and backward from the sum of the losses."""
    with mx.autograd.record():
        loss = small_training.cross_entropy(net(images), labels).sum()
    loss.backward()


# In the process that is watched


def by_module(seed: int, epochs: int) -> None:
    """Train a ResNet-20 in the note's way: forward_backward and update."""
    fit(start(preset("digits").override([f"epochs={epochs}", f"seed={seed}"])))


def by_gluon(seed: int, epochs: int) -> None:
    """Train two convolutions: record, backward, step."""
    net, split = small_networks.convolutional(), splits.digits(seed)
    small_training.train(net, split, epochs=epochs, seed=seed, batch_size=48)


def each_example(seed: int, epochs: int) -> None:
    """Train as the note says nobody does, for control: backward after each example, one update a batch."""
    seed_everything(seed)
    net = small_networks.convolutional()
    net.initialize()
    net.hybridize(static_alloc=True)
    net.collect_params().setattr("grad_req", "add")
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    for _ in range(2 * epochs):
        for image, label in in_parts(splits.digits(seed).fewer(EXAMPLES), EXAMPLES):
            backward(net, image, label)
        trainer.step(EXAMPLES)
        net.collect_params().zero_grad()


# By name: the training, and how many convolutions its network has.
TRAININGS = {"Module": (by_module, 21), "Gluon": (by_gluon, 2), "each example": (each_example, 2)}


def watched(folder: Path, seed: int, epochs: int) -> dict[str, dict]:
    """Run the trainings under the audit and the profiler; returns the counts of both, by training."""
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
    """Read each training's operators, (name, begin, end) in microseconds, from the profiler's file."""
    events = [e for e in json.loads(trace.read_text())["traceEvents"] if e["ph"] in "BEn"]
    trainings: list[list] = [[]]
    open_: dict[tuple, float] = {}
    for event in sorted(events, key=itemgetter("ts")):
        key = event["tid"], event["name"]
        if event["ph"] == "n":  # a border between two trainings
            trainings.append([])
        elif event["ph"] == "B":
            open_[key] = event["ts"]
        elif kind(event["name"]):
            trainings[-1].append((event["name"], open_.pop(key), event["ts"]))
    return [sorted(operators, key=itemgetter(1)) for operators in trainings[:-1]]


if __name__ == "__main__":
    folder, seed, epochs = Path(sys.argv[1]), *map(int, sys.argv[2:])
    (folder / "seen.json").write_text(json.dumps(watched(folder, seed, epochs)))
