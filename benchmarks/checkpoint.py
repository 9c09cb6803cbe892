"""What a checkpoint costs: its time against a training step's, its size against MXNet's own three files.

    python benchmarks/checkpoint.py            # ResNet-20 and ResNet-50, about a minute

MXNet's own are symbol, parameters and optimiser states (`Module.save_checkpoint`), neither brought down to
the disk nor put in place as a whole. Ours holds the run's progress, its recipe and a manifest besides.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from mx_notes import checkpoint
from mx_notes.checkpoint import State
from mx_notes.recipes import preset
from mx_notes.runtime import mx, threads
from mx_notes.training import start

STEPS, ROUNDS = 10, 7  # a round: so many steps, our checkpoint, MXNet's


def measure(model: str) -> None:
    run = start(preset("digits").override([f"model={model}"]))
    batches = list(run.feed.epoch(0))[:-1]  # without the last, which is shorter
    seconds = {"step": [], "copy": [], "write": [], "MXNet": []}
    with tempfile.TemporaryDirectory() as folder:
        out, prefix = Path(folder, "ours"), Path(folder, "theirs", "model")
        prefix.parent.mkdir()
        train(run, batches)  # the first steps of a process are slower
        for _ in range(ROUNDS):
            with timed(seconds["step"]):
                train(run, batches)
            with timed(seconds["copy"]):
                state = State.of(run)
            with timed(seconds["write"]):
                checkpoint.save(out, state)
            with timed(seconds["MXNet"]):
                run.module.save_checkpoint(str(prefix), 0, save_optimizer_states=True)
            checkpoint.keep_only(out, 1, best=None)
        ours, theirs = size(checkpoint.place(out, run.step)), size(prefix.parent)

    step, copy, write, mxnet = (1e3 * statistics.median(times) for times in seconds.values())
    step /= STEPS
    print(f"{model}: a step of {run.recipe.batch_size} images takes {step:.1f} ms")
    print(
        f"  checkpoint {copy + write:.1f} ms ({copy:.1f} to copy, {write:.1f} to write and flush), MXNet's own {mxnet:.1f} ms;"
        f" after every 100 steps: {(copy + write) / step:.2f}% of the training"
    )
    print(f"  {ours:,} bytes, MXNet's own {theirs:,}: {100 * (ours / theirs - 1):+.2f}%")


def train(run, batches) -> None:
    for batch in batches[:STEPS]:
        run.module.forward_backward(batch)
        run.module.update()
        run.step += 1
    mx.nd.waitall()


class timed:
    """Append the seconds of a `with` block to a list."""

    def __init__(self, times: list[float]):
        self.times = times

    def __enter__(self):
        self.began = time.perf_counter()

    def __exit__(self, *_):
        self.times.append(time.perf_counter() - self.began)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


if __name__ == "__main__":
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    print(f"MXNet {mx.__version__}, {threads().count} threads; medians of {ROUNDS} rounds")
    for model in ("cifar_resnet20_v1", "resnet50_v1"):
        measure(model)
