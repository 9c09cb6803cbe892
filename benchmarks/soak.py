"""A long training with all that a program makes and throws away, bare and audited: neither time nor memory may grow.

    python benchmarks/soak.py                # 20,000 steps, about 6 minutes; draws soak.svg
    python benchmarks/soak.py --steps 2000

New inputs with gradients at each step; now and then a new network with its Trainer, a hybridised one, a Module, a
symbol of another length, a thread that trains by itself, a fork that trains.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np

MARKS = 40  # measurements over the run
WARM = 0.25  # of the run: after it, MXNet's pools of memory are filled


def train(steps: int, audited: bool) -> None:
    """Train, and print a line of JSON at each mark."""
    from mx_notes import audit
    from mx_notes.runtime import mx

    mx.random.seed(1)
    every = steps // MARKS
    network, trainer = made(mx, hybridize=False)
    with audit() if audited else nullcontext():
        began, cpu = time.perf_counter(), time.process_time()
        for step in range(1, steps + 1):
            if step % 10 == 0:
                network, trainer = made(mx, hybridize=step % 20 == 0)
            if step % 50 == 0:
                bind(mx, step // 50 % 100 + 1)
            if step % 1000 == 0:  # MXNet keeps 5 MiB of each thread that has computed
                other = threading.Thread(target=lambda: one(mx, *made(mx, False)))
                other.start()
                other.join()
            if step % (every * 2) == 0:
                fork(mx)
            one(mx, network, trainer)
            if step % every == 0:
                mx.nd.waitall()
                gc.collect()
                now, used = time.perf_counter(), time.process_time()
                took = {"wall": (now - began) / every, "cpu": (used - cpu) / every}
                print(json.dumps({"step": step, "rss": resident(), **took}), flush=True)
                began, cpu = time.perf_counter(), time.process_time()


def made(mx, hybridize: bool):
    """A network and its Trainer."""
    network = mx.gluon.nn.HybridSequential()
    network.add(mx.gluon.nn.Dense(64, in_units=64, activation="relu"), mx.gluon.nn.Dense(8, in_units=64))
    network.initialize(mx.init.Xavier())
    if hybridize:
        network.hybridize()
    settings = {"learning_rate": 1e-3, "momentum": 0.9}
    return network, mx.gluon.Trainer(network.collect_params(), "sgd", settings)


def one(mx, network, trainer) -> None:
    """A step on a new batch, whose gradient is asked for, too."""
    batch = mx.nd.random.normal(shape=(8, 64))
    batch.attach_grad()
    with mx.autograd.record():
        loss = network(batch).square().mean(axis=1)
    loss.backward()
    trainer.step(8)


def bind(mx, length: int) -> None:
    """A Module bound to a symbol of so many steps, and trained once."""
    summed = mx.sym.sum(mx.sym.var("data"), axis=1, keepdims=True)
    symbol = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(summed, num_hidden=4), name="softmax")
    module = mx.mod.Module(symbol)
    module.bind([("data", (2, length))], [("softmax_label", (2,))])
    module.init_params()
    module.init_optimizer(optimizer_params={"learning_rate": 1e-3, "momentum": 0.9})
    module.forward_backward(mx.io.DataBatch([mx.nd.ones((2, length))], [mx.nd.zeros((2,))]))
    module.update()


def fork(mx) -> None:
    """A child that trains a step, and ends."""
    mx.nd.waitall()
    child = os.fork()
    if child == 0:
        one(mx, *made(mx, False))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def resident() -> float:
    """MiB of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def run(steps: int, kind: str) -> list[dict]:
    """The marks of one kind of run, in a process of its own."""
    command = [sys.executable, __file__, "--steps", str(steps), "--kind", kind]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            lines.append(json.loads(line))
            print(f"{kind:8} {lines[-1]['step']:7,} steps  {lines[-1]['rss']:5.0f} MiB"
                  f"  {lines[-1]['cpu'] * 1e3:.2f} ms of CPU a step", flush=True)  # fmt: skip
    if child.returncode:
        sys.exit(f"the {kind} run ended with status {child.returncode}")
    return lines


def growth(marks: list[dict], name: str) -> float:
    """The slope of a straight line through the marks after WARM, times the steps between the first and the last."""
    kept = marks[int(len(marks) * WARM) :]
    steps = np.array([mark["step"] for mark in kept], float)
    slope, _ = np.polyfit(steps, [mark[name] for mark in kept], 1)
    return float(slope * (steps[-1] - steps[0]))


def draw(runs: dict[str, list[dict]], path: str) -> None:
    """Both quantities over the steps."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True)
    for kind, marks in runs.items():
        steps = [mark["step"] for mark in marks]
        above.plot(steps, [mark["rss"] for mark in marks], label=kind)
        below.plot(steps, [mark["cpu"] * 1e3 for mark in marks], label=kind)
    above.set(ylabel="MiB", ylim=(0, None))
    below.set(ylabel="ms of CPU a step", xlabel="step", ylim=(0, None))
    above.legend(frameon=False)
    figure.savefig(path)


def main() -> None:
    """Run both, say how much each has grown, and draw them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--figure", default="soak.svg")
    parser.add_argument("--kind", choices=["bare", "audited"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind:
        train(options.steps, options.kind == "audited")
        return
    runs = {kind: run(options.steps, kind) for kind in ("bare", "audited")}
    for kind, marks in runs.items():
        print(f"{kind:8} after the first quarter: {growth(marks, 'rss'):+.1f} MiB,"
              f" {growth(marks, 'cpu') * 1e3:+.3f} ms a step")  # fmt: skip
    draw(runs, options.figure)


if __name__ == "__main__":
    main()
