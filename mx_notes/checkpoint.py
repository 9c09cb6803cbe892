"""What is on disk of a trained network, and how it gets there whole.

A checkpoint is a folder `RUN/checkpoints/step-00000140` with the network as MXNet itself saves it,
so that `mx.model.load_checkpoint(folder + "/model", 0)` and `gluon.SymbolBlock.imports` read it:

    model-symbol.json  model-0000.params  checkpoint.json (epoch, step, accuracy, SHA-256 of the others)
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .errors import UserError
from .runtime import mx

if TYPE_CHECKING:
    from .training import Run

SYMBOL, PARAMETERS, MANIFEST = "model-symbol.json", "model-0000.params", "checkpoint.json"


@dataclass
class State:
    """A network at one moment: its symbol (data to probabilities) and copies of its parameters."""

    symbol: mx.sym.Symbol
    arguments: dict[str, mx.nd.NDArray]
    auxiliary: dict[str, mx.nd.NDArray]  # batch norm's running statistics
    epoch: int  # epochs completed
    step: int
    validation_accuracy: float | None = None

    @classmethod
    def of(cls, run: Run) -> State:
        """The run's state after its latest update; waits for the engine, so that nothing is in flight."""
        mx.nd.waitall()
        arguments, auxiliary = run.module.get_params()
        return cls(
            symbol=run.module.symbol.get_internals()["probabilities_output"],
            arguments={name: array.copy() for name, array in arguments.items()},
            auxiliary={name: array.copy() for name, array in auxiliary.items()},
            epoch=len(run.history),
            step=run.step,
            validation_accuracy=run.history[-1]["validation_accuracy"] if run.history else None,
        )

    def is_finite(self) -> bool:
        """Whether no parameter is NaN or infinite."""
        arrays = (*self.arguments.values(), *self.auxiliary.values())
        return all(np.isfinite(array.asnumpy()).all() for array in arrays)


def save(out: Path, state: State) -> Path:
    """Write the state below `out/checkpoints` and return its folder: there whole, or not at all."""
    folder = out / "checkpoints" / f"step-{state.step:08d}"
    if folder.exists():
        return folder
    temporary = folder.with_name(folder.name + ".part")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        state.symbol.save(str(temporary / SYMBOL))
        arrays = {f"arg:{name}": array for name, array in state.arguments.items()}
        arrays |= {f"aux:{name}": array for name, array in state.auxiliary.items()}
        mx.nd.save(str(temporary / PARAMETERS), arrays)
        manifest = {
            "epoch": state.epoch,
            "step": state.step,
            "validation_accuracy": state.validation_accuracy,
            "sha256": {name: _sha256(temporary / name) for name in (SYMBOL, PARAMETERS)},
        }
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
        for path in (*temporary.iterdir(), temporary):
            _flush(path)
        temporary.rename(folder)
        _flush(folder.parent)
    except (OSError, mx.MXNetError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        reason = str(error).splitlines()[0]
        raise UserError(f"{folder}: the checkpoint could not be written: {reason}") from None
    return folder


def load(folder: Path) -> tuple[dict[str, mx.nd.NDArray], dict[str, mx.nd.NDArray]]:
    """The arguments and auxiliary states saved in a checkpoint folder.

    Raises UserError if a file is missing or is not the one that was written (SHA-256).
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        expected = manifest["sha256"][PARAMETERS]
        actual = _sha256(folder / PARAMETERS)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder}: not a whole checkpoint ({error})") from None
    if actual != expected:
        raise UserError(f"{folder / PARAMETERS}: damaged, its SHA-256 is not that in {MANIFEST}")
    arguments, auxiliary = {}, {}
    for key, array in mx.nd.load(str(folder / PARAMETERS)).items():
        kind, _, name = key.partition(":")
        (arguments if kind == "arg" else auxiliary)[name] = array
    return arguments, auxiliary


def keep_only(out: Path, folders: set[Path]) -> None:
    """Remove the run's other checkpoints."""
    for folder in (out / "checkpoints").iterdir():
        if folder not in folders:
            shutil.rmtree(folder)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
