"""`mx-notes evaluate`: a finished run's network, scored on the test part of its data.

network = restore(Path("runs/digits-1"))
evaluate(network).accuracy
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import checkpoint, data, disk, models, recipes, runtime
from ..data.download import sibling
from ..errors import UserError
from ..recipes import Recipe
from ..runtime import mx

if TYPE_CHECKING:
    from ..data.records import RecordDataset

SHOWN = 25  # classes: more are not legible in a figure, nor read in a table
LONGEST = 24  # characters of a class's name on an axis


@dataclass(frozen=True)
class Network:
    """A run's network with the parameters of one of its checkpoints, and the data it was trained on."""

    recipe: Recipe
    data: data.Dataset | RecordDataset
    checkpoint: str  # its folder's name
    symbol: mx.sym.Symbol  # data (N, C, H, W) float32 to log-probabilities and probabilities, (N, classes)
    parameters: dict[str, mx.nd.NDArray]  # running statistics included, float32, on the CPU

    def block(self, device: mx.Context) -> mx.gluon.SymbolBlock:
        """The network on a device. For inference only.

        Through Gluon, not a bound executor: an inference executor on the CPU merges a convolution with
        the batch norm after it even if the convolution's own output is needed as well, as the shortcuts
        of a ResNet v2 do, and gives wrong probabilities (MXNet 1.9.1, subgraph backend MKLDNN).
        """
        block = mx.gluon.SymbolBlock(self.symbol, mx.sym.var("data", dtype="float32"))
        block.initialize(ctx=device)
        for name, parameter in block.collect_params().items():
            parameter.set_data(self.parameters[name])
        return block


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


def restore(folder: Path, which: str = "best", data_dir: str | None = None) -> Network:
    """The network of the run in a folder.

    which: "best" (validation accuracy, of equals the latest), "last", or a checkpoint's name. data_dir:
    where the data is, if no longer where the recipe says. The network is built from the recipe's model
    name; the checkpoint gives nothing but numbers to it. Raises UserError for a folder that is no run's,
    a checkpoint that is missing, damaged or of another network, and data that cannot be loaded.
    """
    if not folder.is_dir():
        raise UserError(
            f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}, expected a run's"
        )
    if not (folder / "recipe.json").is_file():
        raise UserError(f"{folder}: has no recipe.json, so it is not the folder of a run")
    recipe = recipes.read(folder / "recipe.json")
    if data_dir is not None:
        recipe = replace(recipe, data_dir=data_dir)
    chosen = _chosen(folder, which)
    arguments, auxiliary = checkpoint.load(chosen)
    try:
        dataset = data.load(
            recipe.data,
            data_dir=recipe.data_dir or None,
            validation=recipe.validation,
            seed=recipe.seed,
            image_size=recipe.image_size,
        )
    except OSError as error:  # such as a name too long for a file
        raise UserError(f"data_dir={recipe.data_dir[:80]}: {error.strerror}") from None
    net = models.build(recipe.model, len(dataset.classes), dataset.shape)
    outputs = models.mean_cross_entropy(net).get_internals()
    symbol = mx.sym.Group([outputs["log_probabilities_output"], outputs["probabilities_output"]])
    found = {name: array.astype("float32") for name, array in (arguments | auxiliary).items()}
    return Network(recipe, dataset, chosen.name, symbol, _fitting(found, symbol, dataset.shape, chosen))


def _chosen(folder: Path, which: str) -> Path:
    paths = (folder / "checkpoints").glob("step-*")
    found = {path.name: path for path in sorted(paths) if checkpoint.NAME.fullmatch(path.name)}
    if not found:
        raise UserError(f"{folder}: has no checkpoint")
    if which == "last":
        return max(found.values(), key=_step)
    if which == "best":
        return max(found.values(), key=lambda path: (_validation_accuracy(path), _step(path)))
    if which not in found:
        raise UserError(f"--checkpoint {which}: expected best, last or one of {', '.join(found)}")
    return found[which]


def _step(path: Path) -> int:
    return int(path.name.removeprefix("step-"))


def _validation_accuracy(path: Path) -> float:
    """-1 of a checkpoint in the middle of an epoch, which has none."""
    manifest = path / checkpoint.MANIFEST
    accuracy = disk.parse_json(disk.read(manifest, disk.LARGEST_JSON), manifest).get("validation_accuracy")
    return accuracy if type(accuracy) in (int, float) and accuracy >= 0 else -1


def _fitting(
    found: dict[str, mx.nd.NDArray], symbol: mx.sym.Symbol, shape: tuple[int, ...], path: Path
) -> dict[str, mx.nd.NDArray]:
    """The symbol's parameters, all there and of the right shapes."""
    arguments, _, auxiliary = symbol.infer_shape(data=(1, *shape))
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    expected = dict(zip(names, [*arguments, *auxiliary], strict=True))
    del expected["data"]
    for name, size in expected.items():
        has = found[name].shape if name in found else None
        if has != size:
            raise UserError(
                f"{path}: {name} {f'has shape {has}' if has else 'is missing'}, the recipe's network has {size}"
            )
    return {name: found[name] for name in expected}


def evaluate(network: Network, device: str | None = None) -> Evaluation:
    """Score the network on each example of its data's test part, once, in float32.

    device: as in a recipe, by default the recipe's own; of several, the first.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    context = runtime.contexts(device or network.recipe.device)[0]
    block = network.block(context)
    log_probabilities, labels = [], []
    for batch in network.data.evaluation("test", network.recipe.batch_size).epoch(0):
        log_probabilities.append(block(batch.data[0].as_in_context(context))[0].asnumpy())
        labels.append(batch.label[0].asnumpy().astype(int))
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
    )


def report(folder: Path, which: str = "best", data_dir: str | None = None, device: str | None = None) -> int:
    """Evaluate the run in a folder, print the result, and write it to evaluation.json and confusion.png there."""
    network = restore(folder, which, data_dir)
    result = evaluate(network, device)
    print(text(network, result))
    try:
        with sibling(folder / "evaluation.json") as part:
            part.write_text(to_json(network, result))
            part.replace(folder / "evaluation.json")
        with sibling(folder / "confusion.png") as part:
            draw_confusion(network, result, part)
            part.replace(folder / "confusion.png")
    except OSError as error:
        raise UserError(f"{folder}: the result cannot be written there: {error.strerror}") from None
    print(f"\n{folder / 'evaluation.json'}, {folder / 'confusion.png'}")
    return 0


def text(network: Network, result: Evaluation) -> str:
    """The result for a terminal: accuracy and loss, and a line for each class."""
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
    """The result as JSON; a number that is not defined is null."""

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
    }
    return json.dumps(values, indent=1) + "\n"


def draw_confusion(network: Network, result: Evaluation, path: Path) -> None:
    """The confusion matrix as a PNG: counts, and each row's shares as colour."""
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
    """The classes to show, in order: all, or those that most mistakes have to do with."""
    wrong = result.confusion.sum(axis=0) + result.confusion.sum(axis=1) - 2 * result.confusion.diagonal()
    return np.sort(np.argsort(-wrong, kind="stable")[:SHOWN])
