"""`mx-notes bench`: how fast a network trains on this machine, where the time goes, and what to change.

Each setting is measured in a process of its own, because MXNet reads the number of threads when it is opened:
`python -m mx_notes.commands.bench MODEL BATCH_SIZE` prints one measurement as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .. import models, runtime
from ..audit.report.summary import plural
from ..errors import UserError, at_least_one
from ..models.size_table import size_table
from ..recipes import Recipe
from ..runtime import mx
from ..training import Meter, bind

CLASSES = 10
SECONDS = 4.0  # of training in each measurement
GEMM = 2048  # rows and columns of the matrices whose product is the yardstick
# What an operator's time is counted as, by the beginning of its name; the first that fits.
KINDS = {
    "convolution, backward": ("_backward_Convolution", "_backward_Deconvolution"),
    "convolution, forward": ("Convolution", "Deconvolution"),
    "batch norm": ("BatchNorm", "_backward_BatchNorm"),
    "batch norm and ReLU": ("_contrib_BatchNormWithReLU", "_backward_contrib_BatchNormWithReLU"),
    "activation": ("Activation", "_backward_Activation", "LeakyReLU", "_backward_LeakyReLU"),
    "shortcuts and sums of gradients": ("elemwise_add", "_grad_add", "ElementWiseSum", "add_n", "_plus"),
    "pooling": ("Pooling", "_backward_Pooling", "mean", "_backward_mean"),
    "optimiser": ("sgd", "multi_sgd", "mp_sgd", "multi_mp_sgd"),
    "copies": ("_copy", "Copy", "CopyCPU2CPU"),
}


class Training:
    """Train a network on random images, bound and stepped as `training.fit` does it."""

    def __init__(self, model: str, batch_size: int) -> None:
        shape = models.usual_shape(model)
        recipe = Recipe(data="cifar10", model=model, batch_size=batch_size, learning_rate=0.01)
        _, self.module = bind(recipe, CLASSES, shape, 1000, [mx.cpu()])
        images = mx.nd.random.normal(shape=(batch_size, *shape))
        labels = mx.nd.array(np.arange(batch_size) % CLASSES)
        self.batch = mx.io.DataBatch([images], [labels])

    def seconds(self, steps: int) -> float:
        """How long so many steps take, to the last operator."""
        began, meter = time.perf_counter(), Meter()
        for _ in range(steps):
            self.module.forward_backward(self.batch)
            self.module.update()
            meter.add(self.module.get_outputs(), self.batch.label[0])
        meter.catch_up()
        mx.nd.waitall()
        return time.perf_counter() - began


def gemm() -> float:
    """Measure the product of two float32 matrices of 2048×2048 in GFLOP/s: the median of seven, the faster of two ways.

    `dot` is OpenBLAS's, `FullyConnected` oneDNN's. The OpenBLAS in MXNet's wheels doesn't know every newer
    processor, and is five times slower there.
    """
    left, right = (mx.nd.random.normal(shape=(GEMM, GEMM)) for _ in range(2))

    def seconds(multiply: Callable[[], mx.nd.NDArray]) -> float:
        taken = []
        for _ in range(8):
            mx.nd.waitall()
            began = time.perf_counter()
            multiply().wait_to_read()
            taken.append(time.perf_counter() - began)
        return float(np.median(taken[1:]))

    ways = (
        lambda: mx.nd.dot(left, right),
        lambda: mx.nd.FullyConnected(left, right, no_bias=True, num_hidden=GEMM),
    )
    return 2e-9 * GEMM**3 / min(map(seconds, ways))


def flop(model: str, shape: tuple[int, int, int] | None = None) -> float:
    """Floating-point operations of a training step per image: forward, and twice that backward.

    A multiply-add counts as two. Of convolutions and fully connected layers alone, for images (channels, height,
    width) of that shape or the model's usual one.
    """
    return 3 * 2 * size_table(model, shape).multiply_adds


def measure(model: str, batch_size: int) -> dict:
    """Measure images/s, the yardstick, and each kind of operator's share of all operators' time."""
    training = Training(model, batch_size)
    step = training.seconds(2) / 2
    seconds = []
    for _ in range(3):
        steps = max(1, round(SECONDS / 3 / step))
        seconds.append(training.seconds(steps) / steps)
    rate = gemm()
    del training
    os.environ["MXNET_EXEC_BULK_EXEC_TRAIN"] = "0"  # merged operators would be counted under one name
    profiled = Training(model, batch_size)
    profiled.seconds(2)
    return {
        "images_per_second": batch_size / float(np.median(seconds)),
        "gemm": rate,
        "shares": _shares(profiled),
    }


def _shares(training: Training) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        mx.profiler.set_config(
            profile_symbolic=True,
            profile_imperative=True,
            aggregate_stats=True,
            filename=str(Path(folder, "profile.json")),
        )
        mx.profiler.set_state("run")
        training.seconds(2)
        operators = (
            json.loads(mx.profiler.dumps(reset=True, format="json")).get("Time", {}).get("operator", {})
        )
        mx.profiler.set_state("stop")
    times: Counter = Counter()
    for name, numbers in operators.items():
        times[_kind(name)] += numbers["Total"]
    return {kind: time / times.total() for kind, time in times.most_common()}


def _kind(operator: str) -> str:
    return next((kind for kind, names in KINDS.items() if operator.startswith(names)), "other")


def report(model: str, batch_size: int) -> int:
    """Measure, print, advise; returns the exit status. Raises UserError for an unknown model or no batch."""
    models.check(model)
    at_least_one(f"--batch-size {batch_size}", batch_size)
    _, height, width = models.usual_shape(model)
    chosen, cores = runtime.threads_for(batch_size * height * width).count, len(os.sched_getaffinity(0))
    settings = [(batch_size, count) for count in sorted({1, max(1, cores // 2), chosen, cores, 2 * cores})]
    settings += [(size, chosen) for size in (batch_size // 2, 2 * batch_size) if size]
    found, others = {}, []
    for setting in tqdm(settings, "measuring", unit="setting", file=sys.stderr, leave=False):
        others.append(runtime.running_others())
        found[setting] = _elsewhere(model, *setting)
    here = found[batch_size, chosen]
    rate = here["images_per_second"] * flop(model) * 1e-9
    print(
        f"{model}, batch {batch_size}, {plural(chosen, 'thread')}: {here['images_per_second']:.1f} images/s\n"
        f"its convolutions and layers: {rate:.0f} GFLOP/s; a large float32 product: {here['gemm']:.0f} GFLOP/s\n"
        "\nwhere the operators' time goes"
    )
    for kind, share in here["shares"].items():
        print(f"  {kind:34}{share:5.0%}")
    print("\nother settings             images/s")
    for (size, count), one in found.items():
        mark = "  <- now" if (size, count) == (batch_size, chosen) else ""
        print(f"  batch {size:5}, {count:2} threads {one['images_per_second']:9.1f}{mark}")
    print()
    if any(others):
        print(
            f"no advice: up to {max(others)} other threads ran meanwhile; measure again when they have ended"
        )
    else:
        print(_advice(found, (batch_size, chosen)))
    return 0


def _elsewhere(model: str, batch_size: int, count: int) -> dict:
    command = [sys.executable, "-m", "mx_notes.commands.bench", model, str(batch_size)]
    environment = os.environ | {"OMP_NUM_THREADS": str(count)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise UserError(
            f"{model} with batches of {batch_size} does not run: {(done.stderr.splitlines() or ['killed'])[-1]}"
        )
    return json.loads(done.stdout.splitlines()[-1])


def _advice(found: dict[tuple[int, int], dict], now: tuple[int, int]) -> str:
    best = max(found, key=lambda setting: found[setting]["images_per_second"])
    gain = found[best]["images_per_second"] / found[now]["images_per_second"] - 1
    if gain < 0.05:  # two measurements of one setting differ by as much
        return "nothing to change: no other setting is 5% faster"
    changes = []
    if best[0] != now[0]:
        changes.append(f"batches of {best[0]} (the learning rate has to be set anew)")
    if best[1] != now[1]:
        changes.append(f"OMP_NUM_THREADS={best[1]}")
    return f"{gain:.0%} faster: {', '.join(changes)}"


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
