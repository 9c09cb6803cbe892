"""How long mx_notes and PyTorch train on Fashion-MNIST until 94.0% of the test images are right.

    pip install --no-deps -r requirements-bench.txt   # PyTorch, besides requirements.txt
    python benchmarks/time_to_accuracy.py                # the recipe's 25 epochs: about an hour on two cores
    python benchmarks/time_to_accuracy.py --epochs 2 --accuracy 0.8

Both have the same initial parameters, the same batches with the same augmentation, the same schedule, and SGD
with the same momentum and weight decay: MXNet's with the rate inside v, PyTorch's with the rate outside. Each
is a process of its own; they train their epochs in turns, and one that has reached the accuracy stops. Seconds
are of training, the preparation of its batches included, the test after each epoch left out.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from speed import begin
from tqdm import tqdm

from mx_notes.errors import UserError, at_least_one
from mx_notes.recipes import preset

CONTENDERS = {"mx_notes": "recipe", "PyTorch": "recipe in PyTorch"}


def race(network: str, epochs: int, accuracy: float) -> dict[str, list[tuple[float, float]]]:
    """(seconds, test accuracy) of each epoch of each, until it has reached the accuracy or the epochs are over."""
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory() as folder:
        processes = begin(list(CONTENDERS.values()), network, 2, 32, Path(folder))
        running = dict(zip(rows, processes, strict=True))
        for process in processes:
            process.ask("begin", epochs)
        for number in tqdm(range(epochs), "epochs", unit="epoch", file=sys.stderr):
            for name in list(running) if number % 2 else list(running)[::-1]:
                rows[name].append(tuple(running[name].ask("epoch", number)))
                seconds, reached = rows[name][-1]
                tqdm.write(f"epoch {number + 1:3}  {name:8}  {seconds:6.1f} s  test accuracy {reached:.4f}")
                if reached >= accuracy:
                    del running[name]
            if not running:
                break
        for process in processes:
            process.end()
    return rows


def summary(rows: dict[str, list[tuple[float, float]]], accuracy: float) -> str:
    """The result as text."""
    lines = []
    for name, epochs in rows.items():
        seconds, best = sum(each for each, _ in epochs), max(reached for _, reached in epochs)
        what = (
            f"reached {accuracy:g}" if best >= accuracy else f"did not reach {accuracy:g} (best {best:.4f})"
        )
        usual = statistics.median(each for each, _ in epochs)
        lines.append(
            f"{name:8} {what} in {len(epochs)} epochs, {seconds:.1f} s, median {usual:.1f} s an epoch"
        )
    ours, theirs = ([seconds for seconds, _ in epochs] for epochs in rows.values())
    share = statistics.median(ours) / statistics.median(theirs)
    lines.append(f"an epoch, mx_notes / PyTorch: {share:.2f}")
    if all(epochs[-1][1] >= accuracy for epochs in rows.values()):
        lines.append(f"time to {accuracy:g}, mx_notes / PyTorch: {sum(ours) / sum(theirs):.2f}")
    return "\n".join(lines)


def main() -> None:
    recipe = preset("fashion-mnist")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default=recipe.model, help=f"default: {recipe.model}")
    parser.add_argument("--epochs", type=int, default=recipe.epochs, metavar="N", help="of the schedule")
    parser.add_argument("--accuracy", type=float, default=0.94, metavar="A", help="to be reached")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every epoch")
    options = parser.parse_args()
    if not 0 < options.accuracy <= 1:
        raise UserError(f"--accuracy {options.accuracy:g}: expected a fraction above 0, at most 1")
    at_least_one(f"--epochs {options.epochs}", options.epochs)
    rows = race(options.network, options.epochs, options.accuracy)
    print(f"{options.network} on Fashion-MNIST, {options.epochs} epochs, seed {recipe.seed}")
    print(summary(rows, options.accuracy))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(f"time_to_accuracy: {error}", file=sys.stderr)
        sys.exit(2)
