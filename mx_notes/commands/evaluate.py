"""`mx-notes evaluate`: a finished run's network, scored on the test part of its data.

evaluate(restore(Path("runs/digits-1"))).accuracy
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import disk, runtime
from ..checkpoint.network import Network, restore
from ..terminal import narrow
from . import gallery
from .gallery import Mistake

SHOWN = 25  # classes: more are not legible in a figure, nor read in a table
LONGEST = 24  # characters of a class's name on an axis


@dataclass(frozen=True)
class Evaluation:
    """How a network does on a number of examples.

    confusion: (classes, classes) int64, rows true, columns predicted. precision, recall, f1: (classes,)
    float64, NaN where there is nothing to divide by.
    """

    examples: int
    accuracy: float
    loss: float  # mean of -log p(label), natural logarithm
    confusion: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    labels: np.ndarray  # (examples,) int64, and so are the classes predicted, in the order of the part
    predicted: np.ndarray
    mistakes: list[Mistake]  # the most certain ones


def evaluate(network: Network, device: str | None = None) -> Evaluation:
    """Score the network on each example of its data's test part, once, in float32.

    device: as in a recipe, by default the recipe's own; of several, the first.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    context = runtime.contexts(device or network.recipe.device)[0]
    block = network.block(context)
    log_probabilities, labels, mistakes, examples = [], [], [], 0
    for batch in network.data.evaluation("test", network.recipe.batch_size).epoch(0):
        log_probabilities.append(block(batch.data[0].as_in_context(context))[0].asnumpy())
        labels.append(batch.label[0].asnumpy().astype(int))
        found = np.exp(log_probabilities[-1])
        mistakes = gallery.most_certain(mistakes, batch.data[0].asnumpy(), labels[-1], found, examples)
        examples += len(labels[-1])
    log_probabilities, labels = np.concatenate(log_probabilities), np.concatenate(labels)
    predicted = log_probabilities.argmax(axis=1)
    classes = range(len(network.data.classes))
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=np.nan
    )
    return Evaluation(
        examples=len(labels),
        accuracy=float((predicted == labels).mean()),
        loss=float(-log_probabilities[np.arange(len(labels)), labels].mean(dtype=np.float64)),
        confusion=confusion_matrix(labels, predicted, labels=classes),
        precision=precision,
        recall=recall,
        f1=f1,
        labels=labels,
        predicted=predicted,
        mistakes=mistakes,
    )


def report(folder: Path, which: str = "best", data_dir: str | None = None, device: str | None = None) -> int:
    """Evaluate the run in a folder, print the result, and write it there.

    Files: evaluation.json, confusion.png, and mistakes.png with the most certain mistakes.
    """
    network = restore(folder, which, data_dir)
    result = evaluate(network, device)
    print(narrow(text(network, result)))
    numbers, figure = folder / "evaluation.json", folder / "confusion.png"
    with disk.writing(numbers):
        disk.replace(numbers, to_json(network, result))
    with disk.writing(figure), disk.whole(figure) as part:
        draw_confusion(network, result, part)
    mistakes = folder / "mistakes.png"
    with disk.writing(mistakes), disk.whole(mistakes) as part:
        gallery.draw(network, result.mistakes, part)
    print(f"\n{numbers}\n{figure}\n{mistakes}: the most certain mistakes")
    return 0


def text(network: Network, result: Evaluation) -> str:
    """Write the result for a terminal: accuracy and loss, and a line for each class."""
    names, shown = network.data.classes, _shown(result)
    width = max(8, *(len(names[index]) for index in shown))
    lines = [
        f"{network.recipe.model} with the parameters of {network.checkpoint} on the test part of {network.data.name}",
        f"accuracy {result.accuracy:.4f}, loss {result.loss:.4f} on {result.examples} images",
        "",
        f"{'class':{width}}  images  precision  recall      F1",
    ]
    for index in shown:
        numbers = (result.precision[index], result.recall[index], result.f1[index])
        precision, recall, f1 = ("–" if np.isnan(number) else f"{number:.4f}" for number in numbers)
        images = result.confusion[index].sum()
        lines.append(f"{names[index]:{width}}  {images:6}  {precision:>9}  {recall:>6}  {f1:>6}")
    if len(shown) < len(names):
        lines.append(f"({len(shown)} of {len(names)} classes: those with the most mistakes)")
    return "\n".join(lines)


def to_json(network: Network, result: Evaluation) -> str:
    """Write the result as JSON; an undefined number is null."""

    def number(value: float) -> float | None:
        return None if np.isnan(value) else float(value)

    rows = zip(
        network.data.classes,
        result.confusion.sum(axis=1),
        result.precision,
        result.recall,
        result.f1,
        strict=True,
    )
    classes = [
        {"class": name, "examples": int(n), "precision": number(p), "recall": number(r), "f1": number(f1)}
        for name, n, p, r, f1 in rows
    ]
    values = {
        "model": network.recipe.model,
        "checkpoint": network.checkpoint,
        "data": network.data.name,
        "source": network.data.source,
        "part": "test",
        "examples": result.examples,
        "accuracy": result.accuracy,
        "loss": result.loss,
        "classes": classes,
        "confusion": result.confusion.tolist(),  # rows true, columns predicted
        "mistakes": [
            {"example": m.example, "label": m.label, "predicted": m.predicted, "probability": m.probability}
            for m in result.mistakes
        ],
        "labels": result.labels.tolist(),
        "predicted": result.predicted.tolist(),
    }
    return json.dumps(values, indent=1) + "\n"


def draw_confusion(network: Network, result: Evaluation, path: Path) -> None:
    """Draw the confusion matrix to a PNG: counts, and each row's shares as colour."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = _shown(result)
    counts = result.confusion[np.ix_(shown, shown)]
    shares = counts / np.maximum(result.confusion.sum(axis=1)[shown, None], 1)
    names = [network.data.classes[index] for index in shown]
    names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
    longest = max(map(len, names))
    size = max(3, 0.42 * len(names)) + 0.08 * longest
    figure = Figure(figsize=(size + 2, size + 1), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            ink = "white" if shares[row, column] > 0.6 else "black"
            axes.text(column, row, count, ha="center", va="center", color=ink, fontsize=9)
    slant = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if longest > 2 else {}
    axes.set_xticks(range(len(names)), names, parse_math=False, **slant)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set(xlabel="predicted class", ylabel="true class")
    title = f"{network.recipe.model} on {network.data.name}\naccuracy {result.accuracy:.4f} on {result.examples} test images"
    if len(names) < len(network.data.classes):
        title += f"\n{len(names)} of {len(network.data.classes)} classes: those with the most mistakes"
    axes.set_title(title, fontsize=10)
    figure.colorbar(image, label="share of the true class (empty: 0)")
    figure.savefig(path, dpi=150, format="png")


def _shown(result: Evaluation) -> np.ndarray:
    """Choose the classes to show, in order: at most SHOWN, those that are in most mistakes."""
    wrong = result.confusion.sum(axis=0) + result.confusion.sum(axis=1) - 2 * result.confusion.diagonal()
    return np.sort(np.argsort(-wrong, kind="stable")[:SHOWN])
