"""`mx-notes compare`: finished runs beside each other: their knobs, curves, test accuracy and speed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import disk, recipes
from ..errors import UserError
from ..recipes import Recipe
from ..terminal import narrow

RESAMPLES = 10_000
LARGEST_EVALUATION = 64 << 20  # bytes: two numbers for each test image, and the confusion matrix
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


@dataclass(frozen=True)
class Finished:
    """What a run's folder says of it."""

    folder: Path
    recipe: Recipe
    rows: list[dict]  # one an epoch, as in metrics.jsonl
    data: str | None  # of evaluation.json, if it is there: the data's name, labels and predicted classes
    labels: np.ndarray  # (examples,), and
    predicted: np.ndarray  # (examples,); both empty without evaluation.json

    @property
    def best(self) -> dict:
        """The row of the epoch of the best validation accuracy (of equals the latest)."""
        return max(self.rows, key=lambda row: (row["validation_accuracy"], row["epoch"]))


@dataclass(frozen=True)
class Paired:
    """Two runs on the same test images."""

    only_first: int  # images that only the first has right
    only_second: int
    examples: int
    low: float  # the difference of the accuracies, second - first, has its 95% interval
    high: float  # from here to here
    p: float  # of so uneven a split, or a more uneven one, if both were equally good

    @property
    def difference(self) -> float:
        """The second's accuracy less the first's."""
        return (self.only_second - self.only_first) / self.examples


def report(folders: Sequence[Path], figure: Path) -> int:
    """Print how the runs differ, and draw their curves over each other to a PNG."""
    if len(folders) < 2:
        raise UserError(f"compare {' '.join(map(str, folders))}: expected two runs or more")
    runs = [read(folder) for folder in folders]
    print("\n".join(map(narrow, text(runs))))
    with disk.writing(figure), disk.whole(figure) as part:
        draw(runs, part)
    print(f"\n{figure}")
    return 0


def read(folder: Path) -> Finished:
    """Read a run's folder. Raises UserError, naming the file, where it holds no run, or none with an epoch done."""
    recipe, path = recipes.of_run(folder), folder / "metrics.jsonl"
    rows = [disk.parse_json(line, path) for line in disk.read(path, disk.LARGEST_JSON).splitlines()]
    rows = [row for row in rows if "epoch" in row]
    needed = ("epoch", "loss", "validation_accuracy", "images_per_second", "seconds")
    if any(type(row.get(name)) not in (int, float) for row in rows for name in needed):
        raise UserError(f"{path}: not the metrics of a run")
    if not rows:
        raise UserError(f"{path}: no epoch is done")
    return Finished(folder, recipe, rows, *_evaluation(folder / "evaluation.json"))


def _evaluation(path: Path) -> tuple[str | None, np.ndarray, np.ndarray]:
    if not path.exists():
        return None, np.empty(0, int), np.empty(0, int)
    values = disk.parse_json(disk.read(path, LARGEST_EVALUATION), path, LARGEST_EVALUATION)
    try:
        labels, predicted = (np.array(values[name], dtype=np.int64) for name in ("labels", "predicted"))
        if labels.ndim != 1 or labels.shape != predicted.shape or not len(labels):
            raise ValueError
    except (KeyError, ValueError, TypeError, OverflowError):
        raise UserError(
            f"{path}: has no predictions; write it anew: mx-notes evaluate {path.parent}"
        ) from None
    return str(values.get("data")), labels, predicted


def text(runs: Sequence[Finished]) -> list[str]:
    """Write the comparison as lines."""
    lines = [f"{number}  {run.folder}" for number, run in enumerate(runs, 1)]
    lines += ["", *_knobs(runs), "", *_table(runs)]
    missing = [str(run.folder) for run in runs if run.data is None]
    pairs = [
        line
        for second in range(1, len(runs))
        for first in range(second)
        if (line := _pair_line(runs, first, second))
    ]
    if pairs:
        lines += ["", "on the same test images (McNemar's exact test; 95% by paired bootstrap):", *pairs]
    if missing:
        lines += ["", f"no evaluation.json in {', '.join(missing)}: `mx-notes evaluate RUN` writes it"]
    return lines


def _knobs(runs: Sequence[Finished]) -> list[str]:
    values = {name: [getattr(run.recipe, name) for run in runs] for name in vars(runs[0].recipe)}
    differing = {name: each for name, each in values.items() if any(value != each[0] for value in each)}
    if not differing:
        return ["all knobs are the same"]
    width = max(map(len, differing))
    return [
        f"{name:{width}}  {' | '.join(str(value) or '-' for value in each)}"
        for name, each in differing.items()
    ]


def _table(runs: Sequence[Finished]) -> list[str]:
    lines = ["run   epochs  validation: accuracy    loss  test accuracy (95%)      images/s"]
    for number, run in enumerate(runs, 1):
        done = f"{len(run.rows)}/{run.recipe.epochs}"
        loss = run.best.get("validation_loss")
        speed = statistics.median(row["images_per_second"] for row in run.rows)
        lines.append(
            f"{number:3}  {done:>7}  {run.best['validation_accuracy']:20.4f}"
            f"  {'–' if loss is None else f'{loss:.4f}':>6}  {_accuracy(run):23}  {speed:8.0f}"
        )
    return lines


def _accuracy(run: Finished) -> str:
    if run.data is None:
        return "not evaluated"
    right = int((run.labels == run.predicted).sum())
    low, high = wilson(right, len(run.labels))
    return f"{right / len(run.labels):.4f} [{low:.4f}, {high:.4f}]"


def wilson(right: int, examples: int) -> tuple[float, float]:
    """The 95% interval of an accuracy by Wilson's score (J. Am. Stat. Assoc. 22, 1927)."""
    z = statistics.NormalDist().inv_cdf(0.975)
    share, spread = right / examples, z * z / examples
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / examples + spread / (4 * examples))
    return max(0.0, middle - half), min(1.0, middle + half)


def paired(first: Finished, second: Finished) -> Paired | None:
    """Compare two runs image by image; None unless both were evaluated on the same test images."""
    same = first.data is not None and first.data == second.data
    if not same or not np.array_equal(first.labels, second.labels):
        return None
    from scipy.stats import binomtest

    right, also = first.predicted == first.labels, second.predicted == second.labels
    only_first, only_second, examples = int((right & ~also).sum()), int((also & ~right).sum()), len(right)
    shares = np.array([only_first, only_second, examples - only_first - only_second]) / examples
    drawn = np.random.default_rng(1).multinomial(examples, shares, RESAMPLES)
    low, high = np.quantile((drawn[:, 1] - drawn[:, 0]) / examples, [0.025, 0.975])
    differing = only_first + only_second
    p = binomtest(only_second, differing).pvalue if differing else 1.0
    return Paired(only_first, only_second, examples, float(low), float(high), float(p))


def _pair_line(runs: Sequence[Finished], first: int, second: int) -> str | None:
    found = paired(runs[first], runs[second])
    if found is None:
        return None
    return (
        f"{second + 1} - {first + 1}: {found.difference:+.4f} [{found.low:+.4f}, {found.high:+.4f}],"
        f" p = {found.p:.2g}; only {second + 1} right: {found.only_second},"
        f" only {first + 1}: {found.only_first} of {found.examples}"
    )


def draw(runs: Sequence[Finished], path: Path) -> None:
    """Draw losses and accuracies of all runs over each other, validation in solid lines, training in dotted ones."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(figure)
    loss, accuracy = figure.subplots(1, 2)
    for number, run in enumerate(runs):
        colour = COLOURS[number % len(COLOURS)]
        epochs = [row["epoch"] for row in run.rows]
        for axes, training, validation in (
            (loss, "loss", "validation_loss"),
            (accuracy, "train_accuracy", "validation_accuracy"),
        ):
            for name, line in ((training, ":"), (validation, "-")):
                values = [row.get(name, math.nan) for row in run.rows]
                label = f"{number + 1}  {run.folder}" if axes is accuracy and line == "-" else None
                axes.plot(epochs, values, line, color=colour, label=label)
    loss.set(ylabel="loss (nats)", yscale="log")
    accuracy.set(ylabel="accuracy")
    for axes in (loss, accuracy):
        axes.set_xlabel("epoch (validation solid, training dotted)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    figure.legend(loc="outside upper center", fontsize=8)
    figure.savefig(path, dpi=120, format="png")
