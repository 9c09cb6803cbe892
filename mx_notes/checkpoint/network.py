"""A finished run's network: built from the recipe, with the parameters of one of its checkpoints.

network = restore(Path("runs/digits-1"))
log_probabilities, probabilities = network.block(mx.cpu())(images)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from .. import disk, models, recipes
from ..data import Dataset, Description, description
from ..errors import UserError
from ..models.inference import inference_block
from ..recipes import Recipe
from ..runtime import mx
from ..training.start import load_data
from . import folder

Data = TypeVar("Data", Dataset, Description)


@dataclass(frozen=True)
class Network(Generic[Data]):
    """A run's network with the parameters of one of its checkpoints, and the data it was trained on, or their description."""

    recipe: Recipe
    data: Data
    checkpoint: str  # its folder's name
    symbol: mx.sym.Symbol  # data (N, C, H, W) float32 to log-probabilities and probabilities, (N, classes)
    parameters: dict[str, mx.nd.NDArray]  # running statistics included, float32, on the CPU

    def block(self, device: mx.Context) -> mx.gluon.SymbolBlock:
        """Put the network on a device: see `inference_block`."""
        return inference_block(self.symbol, self.parameters, ["data"], device)


def restore(out: Path, which: str = "best", data_dir: str | None = None) -> Network[Dataset]:
    """Restore the network of the run in a folder.

    which: "best" (validation accuracy, of equals the latest), "last", or a checkpoint's name. data_dir:
    where the data is, if no longer where the recipe says. The network is built from the recipe's model
    name; only numbers come from the checkpoint. Raises UserError for a folder that is no run's,
    a checkpoint that is missing, damaged or of another network, and data that cannot be loaded or have other
    classes.
    """
    recipe = recipes.of_run(out)
    if data_dir is not None:
        recipe = replace(recipe, data_dir=data_dir)
    chosen = chosen_checkpoint(out, which)
    network = _network(recipe, _loaded(recipe), chosen)
    if (out / description.NAME).exists():
        classes = description.read(out / description.NAME).classes
        if network.data.classes != classes:
            raise UserError(
                f"{network.data.source}: its classes are not those of {out}: {', '.join(classes[:9])}"
            )
    return network


def restore_alone(out: Path, which: str = "best") -> Network[Description]:
    """Restore the network of the run in a folder as `restore` does, but with the description of its data alone.

    Of a run without a description, from before there was one, the data are loaded to be described.
    """
    recipe = recipes.of_run(out)
    chosen = chosen_checkpoint(out, which)
    path = out / description.NAME
    data = description.read(path) if path.exists() else Description.of(_loaded(recipe))
    return _network(recipe, data, chosen)


def _loaded(recipe: Recipe) -> Dataset:
    try:
        return load_data(recipe)
    except OSError as error:  # such as a name too long for a file
        raise UserError(f"data_dir={recipe.data_dir[:80]}: {error.strerror}") from None


def _network(recipe: Recipe, data: Data, checkpoint: Path) -> Network[Data]:
    arguments, auxiliary = folder.load(checkpoint)
    net = models.build(recipe.model, len(data.classes), data.shape)
    outputs = models.mean_cross_entropy(net).get_internals()
    symbol = mx.sym.Group([outputs["log_probabilities_output"], outputs["probabilities_output"]])
    found = {name: array.astype("float32") for name, array in (arguments | auxiliary).items()}
    return Network(recipe, data, checkpoint.name, symbol, _fitting(found, symbol, data.shape, checkpoint))


def chosen_checkpoint(out: Path, which: str) -> Path:
    """The checkpoint of a run that is "best", "last" or has that name. Raises UserError if there is none."""
    found = {path.name: path for path in reversed(folder.written(out))}
    if not found:
        raise UserError(f"{out}: has no checkpoint")
    if which == "last":
        return max(found.values(), key=folder.step_of)
    if which == "best":
        return max(found.values(), key=lambda path: (_validation_accuracy(path), folder.step_of(path)))
    if which not in found:
        raise UserError(f"--checkpoint {which}: expected best, last or one of {', '.join(found)}")
    return found[which]


def _validation_accuracy(path: Path) -> float:
    """Read it from the manifest; -1 for a checkpoint in the middle of an epoch, which has none."""
    manifest = path / folder.MANIFEST
    accuracy = disk.parse_json(disk.read(manifest, disk.LARGEST_JSON), manifest).get("validation_accuracy")
    return accuracy if type(accuracy) in (int, float) and accuracy >= 0 else -1


def _fitting(
    found: dict[str, mx.nd.NDArray], symbol: mx.sym.Symbol, shape: tuple[int, ...], path: Path
) -> dict[str, mx.nd.NDArray]:
    """Choose the symbol's parameters; raises UserError unless all are there, in the right shapes."""
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
