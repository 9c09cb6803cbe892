"""Parameters that a run begins with, from another network: matched by name and shape.

run = start(preset("folder").override(["data_dir=pics"]))
print(begin_from(run, Path("runs/digits-1")).text())
"""

from __future__ import annotations

import json
import os
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import disk, models
from ..errors import UserError
from ..models.layers import frozen_layers, layers, without_prefix
from ..runtime import mx
from ..training.run import Run
from . import arrays, folder
from .network import chosen_checkpoint

NAME = "began_from.json"
LARGEST = 1 << 33  # bytes of a file of parameters
SHOWN = 8  # names in a line; all are in the file
SYMBOL = "-symbol.json"
Shape = tuple[int, ...]
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Beginning:
    """What a run took from where: names and shapes in the network (taken, new) and in the file (left)."""

    source: str
    taken: dict[str, Shape]
    new: dict[str, Shape]  # initialised from the seed
    left: dict[str, Shape]

    def text(self) -> str:
        """Write it as a table for a terminal, at most 80 columns wide."""
        lines = [f"from    {self.source}"]
        for kind in ("taken", "left", "new"):
            found = getattr(self, kind)
            names = [f"{name} {'x'.join(map(str, shape))}" for name, shape in found.items()]
            more = [f"and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
            what = "; ".join([*names[:SHOWN], *more]) if kind != "taken" else ""
            line = f"{kind:5} {len(found):4} arrays{': ' if what else ''}{what}"
            lines += textwrap.wrap(
                line, 80, initial_indent=" " * 8, subsequent_indent=" " * 14, break_on_hyphens=False
            )
        return "\n".join(lines)

    def to_json(self) -> str:
        """Write it as JSON, every array with its shape."""
        return json.dumps(vars(self)) + "\n"


def begin_from(run: Run, path: Path) -> Beginning:
    """Give a run, fresh from `training.start`, the layers in a file that fit its network: names and shapes of all arrays.

    path: the folder of a run (its best checkpoint) or of a checkpoint, a `.params` file of MXNet or Gluon, or
    `PREFIX-symbol.json`, beside which PREFIX-NNNN.params is (the highest number). Raises UserError for anything
    else, a file of which nothing fits, numbers that are not finite, and a frozen layer that is not in it.
    """
    source, found = _read(path)
    mx.nd.waitall()
    arguments, auxiliary = run.module.parameters()
    own = {name: array.asnumpy() for name, array in (arguments | auxiliary).items()}
    names = _whole_layers(run, _matched(found, _spellings(run), own))
    _expect_use(path, run, found, names, own)
    values = own | {here: found[there].astype(own[here].dtype) for here, there in names.items()}
    run.module.set_params(
        {name: arrays.to_mxnet(values[name]) for name in arguments},
        {name: arrays.to_mxnet(values[name]) for name in auxiliary},
    )
    return Beginning(
        source=source,
        taken={name: own[name].shape for name in own if name in names},
        new={name: own[name].shape for name in own if name not in names},
        left={name: array.shape for name, array in found.items() if name not in names.values()},
    )


def _whole_layers(run: Run, names: dict[str, str]) -> dict[str, str]:
    """Those of the names (own to the file's) whose layers have all their arrays among them."""
    whole = [layer for layer in layers(run.symbol).values() if names.keys() >= {*layer}]
    return {here: names[here] for layer in whole for here in layer}


def _expect_use(path: Path, run: Run, found: Arrays, names: dict[str, str], own: Arrays) -> None:
    """Raise UserError if what is to be taken (names: own to the file's) is nothing, not finite, or not all that is frozen."""
    if not any(own[name].ndim > 1 for name in names):  # a bias or a batch norm may fit by chance
        example, ours = min(found, default=""), min(own)
        there = f"{example[:60]!r} of shape {found[example].shape}" if found else "nothing"
        raise UserError(
            f"--from {path}: none of its {len(found)} arrays has the name and shape of a weight of {run.recipe.model}:"
            f" there {there}, here {ours!r} of shape {own[ours].shape}"
        )
    for there in names.values():
        if not np.isfinite(found[there]).all():
            raise UserError(f"--from {path}: {there[:60]} has numbers that are NaN or infinite")
    for layer, parameters in frozen_layers(run.symbol, run.recipe.freeze).items():
        if not names.keys() >= {*parameters}:
            raise UserError(
                f"--freeze {run.recipe.freeze}: freezes {layer}, of which {path} has no parameters"
            )


def _read(path: Path) -> tuple[str, Arrays]:
    """Where the arrays are, and the arrays by name, without MXNet's arg: and aux:."""
    if not path.exists():
        raise UserError(f"--from {path}: no such file or folder")
    if path.is_dir():
        place = path if (path / folder.MANIFEST).is_file() else _best(path)
        arguments, auxiliary = folder.load(place)
        return str(place), {name: array.asnumpy() for name, array in (arguments | auxiliary).items()}
    file = _parameters_beside(path) if path.name.endswith(SYMBOL) else path
    real = Path(os.path.realpath(file))
    found = arrays.parse(disk.read(real, LARGEST), file)
    for name in found:
        if not name.isprintable():
            raise UserError(f"--from {file}: the name {name[:60]!r} of an array in it is not printable")
    return str(file), {re.sub("^(arg|aux):", "", name): array for name, array in found.items()}


def _best(run: Path) -> Path:
    if not (run / folder.RECIPE).is_file():
        raise UserError(f"--from {run}: neither a run's folder nor a checkpoint's")
    return chosen_checkpoint(run, "best")


def _parameters_beside(symbol: Path) -> Path:
    prefix = symbol.name.removesuffix(SYMBOL)
    pattern = re.compile(re.escape(prefix) + r"-\d{4}\.params")
    with disk.reading(symbol.parent):
        found = [path for path in symbol.parent.iterdir() if pattern.fullmatch(path.name)]
    if not found:
        raise UserError(f"--from {symbol}: no {prefix}-0000.params beside it")
    return max(found)


def _spellings(run: Run) -> list[dict[str, str]]:
    """What the network's arrays may be called in a file, each spelling as a dict of these names to its own.

    MXNet's names; Gluon's, by structure (`features.0.weight`); MXNet's without what all begin with, the network's
    own prefix, which counts the networks of its process.
    """
    net = models.build(run.recipe.model, len(run.data.classes), run.data.shape)
    structural = {key: parameter.name for key, parameter in net._collect_params_with_prefix().items()}
    names = [parameter.name for parameter in net.collect_params().values()]
    return [{name: name for name in names}, structural, dict(zip(without_prefix(names), names, strict=True))]


def _matched(found: Arrays, spellings: list[dict[str, str]], own: Arrays) -> dict[str, str]:
    """Own names to those in the file, of arrays of the same shape, by the spelling that fits most of them."""
    bare = dict(zip(found, without_prefix([*found]), strict=True))
    same = {name: name for name in found}
    best: dict[str, str] = {}
    for spelling, keys in zip(spellings, (same, same, bare), strict=True):
        names = {spelling[key]: there for there, key in keys.items() if key in spelling}
        fitting = {
            here: there
            for here, there in names.items()
            if here in own and own[here].shape == found[there].shape
        }
        best = max(best, fitting, key=len)
    return best
