"""A training's checkpoints on disk: written whole, read with suspicion.

A checkpoint is a folder `RUN/checkpoints/step-00000140`:

    model-symbol.json  model-0000.params   as `mx.model.load_checkpoint(folder + "/model", 0)` and
                                           `gluon.SymbolBlock.imports` read them
    optimizer.params                       momentum, as `mx.nd.load` reads it
    progress.json  recipe.json             where the run is, and what it trains
    checkpoint.json                        size and SHA-256 of each of these

It is written beside its place, brought down to the disk and renamed: a reader finds a whole checkpoint or
none. The link `RUN/best` leads to the one of the best validation accuracy. Nothing in it is a pickle, and nothing of it reaches MXNet's own parsers.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from .. import disk, recipes
from ..errors import UserError
from ..parallel.workers import Workers
from ..recipes import Recipe
from ..runtime import mx
from . import arrays
from .state import State, parse_parameters, parse_progress

SYMBOL, PARAMETERS, OPTIMIZER = "model-symbol.json", "model-0000.params", "optimizer.params"
PROGRESS, RECIPE, MANIFEST = "progress.json", recipes.FILE, "checkpoint.json"
FILES = (SYMBOL, PARAMETERS, OPTIMIZER, PROGRESS, RECIPE)
FORMAT = 1
NAME = re.compile(r"step-[0-9]{8,}")
DAMAGED = ".damaged"
BEST = "best"  # in the run's folder


def place(out: Path, step: int) -> Path:
    """The folder of a run's checkpoint after so many steps."""
    return out / "checkpoints" / f"step-{step:08d}"


def save(out: Path, state: State) -> Path:
    """Write the state below `out/checkpoints` and return its folder: there whole, or not at all.

    A checkpoint that is there for this step stays, unless it was written before the epoch's validation and
    the state was taken after. Raises UserError if the state can't be written.
    """
    folder = place(out, state.step)
    with disk.writing(folder):
        if folder.exists():
            if state.validation_accuracy is None or _read_manifest(folder)["validation_accuracy"] is not None:
                return folder
            disk.remove(folder)
        with disk.whole(folder) as part:
            _write(part, state)
    return folder


def _contents(state: State) -> dict[str, Iterable[bytes | memoryview]]:
    """The content of each of FILES, in pieces."""
    parameters = {f"arg:{name}": array for name, array in state.arguments.items()}
    parameters |= {f"aux:{name}": array for name, array in state.auxiliary.items()}
    return {
        SYMBOL: [state.symbol.encode()],
        PARAMETERS: arrays.dump(parameters),
        OPTIMIZER: arrays.dump(state.optimizer),
        PROGRESS: [state.progress().encode()],
        RECIPE: [state.recipe.to_json().encode()],
    }


def _write(folder: Path, state: State) -> None:
    folder.mkdir(parents=True)
    contents, files = _contents(state), {}
    for name in FILES:
        sha256, size = disk.write(folder / name, contents[name])
        files[name] = {"sha256": sha256, "bytes": size}
    disk.write(folder / MANIFEST, [json.dumps(_manifest_of(state, files), indent=1).encode() + b"\n"])


def _manifest_of(state: State, files: dict) -> dict:
    """Make the manifest of a state; files: size and SHA-256 of each file."""
    return {
        "format": FORMAT,
        "epoch": state.epoch,
        "step": state.step,
        "validation_accuracy": state.validation_accuracy,
        "files": files,
    }


def read(folder: Path) -> State:
    """Read the whole state in a checkpoint folder.

    Raises UserError, naming the file, if one is missing, was changed since it was written, or makes no
    sense; a checkpoint made to do harm gets no further either.
    """
    manifest = _read_manifest(folder)
    state = _parse({name: _verified(folder / name, manifest) for name in FILES}, folder)
    if manifest != _manifest_of(state, manifest["files"]):
        raise UserError(f"{folder / MANIFEST}: damaged, it is of another checkpoint than {PROGRESS}")
    return state


def _parse(contents: dict[str, bytes], folder: Path) -> State:
    arguments, auxiliary = parse_parameters(contents[PARAMETERS], folder / PARAMETERS)
    try:
        recipe = Recipe.from_json(contents[RECIPE].decode())
        symbol = contents[SYMBOL].decode()
    except (UserError, UnicodeDecodeError) as error:
        raise UserError(f"{folder}: {error}") from None
    return State(
        recipe=recipe,
        symbol=symbol,
        arguments=arguments,
        auxiliary=auxiliary,
        optimizer=arrays.parse(contents[OPTIMIZER], folder / OPTIMIZER),
        **parse_progress(contents[PROGRESS], folder / PROGRESS),
    )


def broadcast(state: State | None, workers: Workers) -> State:
    """Give worker 0's state to every worker: the others need not see its disk, and pass None."""
    if workers.count == 1:
        return state
    contents = dict.fromkeys(FILES, ()) if workers.rank else _contents(state)
    received = {name: workers.broadcast(b"".join(contents[name])) for name in FILES}
    return _parse(received, Path("checkpoint of worker 0"))


def load(folder: Path) -> tuple[dict[str, mx.nd.NDArray], dict[str, mx.nd.NDArray]]:
    """Read the arguments and auxiliary states in a checkpoint folder, as `Module.set_params` takes them.

    Raises UserError if the file is missing or was changed since it was written (SHA-256).
    """
    content = _verified(folder / PARAMETERS, _read_manifest(folder))
    arguments, auxiliary = parse_parameters(content, folder / PARAMETERS)
    return (
        {name: arrays.to_mxnet(array) for name, array in arguments.items()},
        {name: arrays.to_mxnet(array) for name, array in auxiliary.items()},
    )


def newest(out: Path) -> tuple[State | None, list[str]]:
    """Read a run's newest whole checkpoint, and say what is wrong with each newer one.

    None if the run has no checkpoint yet. Raises UserError if it has some and none is whole. The damaged
    ones are renamed, so that the training can write its own there.
    """
    damaged: dict[Path, str] = {}
    for folder in written(out):
        try:
            state = read(folder)
            if state.step != step_of(folder):
                raise UserError(f"{folder}: the checkpoint of step {state.step}, under another name")
        except UserError as error:
            damaged[folder] = str(error)
            continue
        for path in damaged:
            _set_aside(path)
        return state, list(damaged.values())
    if damaged:
        raise UserError(f"{out}: no checkpoint is whole; of the newest: {next(iter(damaged.values()))}")
    return None, []


def keep_only(out: Path, count: int, best: int | None) -> None:
    """Keep the run's newest `count` checkpoints and the one of step `best`; remove the others, and half-written ones."""
    for folder in written(out)[count:]:
        if step_of(folder) != best:
            disk.remove(folder)
    for part in (out / "checkpoints").glob(f"step-*{disk.PART}"):
        shutil.rmtree(part, ignore_errors=True)


def show_best(out: Path, step: int | None) -> None:
    """Have the link RUN/best lead to the checkpoint of that step, if it is there."""
    best = out / BEST
    if step is None or not place(out, step).is_dir() or (best.exists() and not best.is_symlink()):
        return
    with contextlib.suppress(OSError):  # a file system without links: `evaluate` finds the best without it
        part = best.with_name(BEST + disk.PART)
        part.unlink(missing_ok=True)
        part.symlink_to(place(out, step).relative_to(out), target_is_directory=True)
        part.replace(best)


def written(out: Path) -> list[Path]:
    """The folders of a run's checkpoints, whole or damaged, the newest first."""
    found = (path for path in (out / "checkpoints").glob("step-*") if NAME.fullmatch(path.name))
    return sorted(found, key=step_of, reverse=True)


def step_of(folder: Path) -> int:
    """The step after which a checkpoint was saved, from its folder's name."""
    return int(folder.name.removeprefix("step-"))


def _set_aside(folder: Path) -> None:
    aside = folder.with_name(folder.name + DAMAGED)
    with disk.writing(f"{folder}: damaged, and {aside.name}"):
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)


def _read_manifest(folder: Path) -> dict:
    if folder.is_symlink():
        raise UserError(f"{folder}: a symbolic link, not a checkpoint")
    path = folder / MANIFEST
    manifest = disk.parse_json(disk.read(path, disk.LARGEST_JSON), path)
    if manifest.get("format") != FORMAT or not {"files", "validation_accuracy"} <= manifest.keys():
        raise UserError(f"{path}: not the manifest of a checkpoint of format {FORMAT}")
    return manifest


def _verified(path: Path, manifest: dict) -> bytes:
    """Read a file; raises UserError unless its size and SHA-256 are those in the manifest."""
    try:
        expected = manifest["files"][path.name]
        size, sha256 = expected["bytes"], expected["sha256"]
    except (KeyError, TypeError):
        raise UserError(f"{path.with_name(MANIFEST)}: says nothing of {path.name}") from None
    if type(size) is not int or size < 0:
        raise UserError(f"{path.with_name(MANIFEST)}: no size of {path.name}")
    content = disk.read(path, size)
    if len(content) != size or hashlib.sha256(content).hexdigest() != sha256:
        raise UserError(f"{path}: damaged, its size or SHA-256 is not that in {MANIFEST}")
    return content
