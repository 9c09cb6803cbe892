"""All that decides how a run goes on after an update: taken from a run, put back into one."""

from __future__ import annotations

import json
import platform
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..disk import parse_json
from ..errors import UserError
from ..parallel.data_parallel import mean
from ..recipes import Recipe
from ..runtime import gluoncv, mx, threads
from ..training.run import Run
from . import arrays

Arrays = dict[str, np.ndarray]
COUNTERS = ("epoch", "batch", "step", "examples", "meter_examples", "meter_correct")
ROW = {
    *("epoch", "loss", "train_accuracy", "validation_loss", "validation_accuracy"),
    *("learning_rate", "images_per_second", "seconds"),
}
LARGEST = 1 << 53  # whole numbers up to here are the same in every JSON reader


@dataclass
class State:
    """A run after one of its updates. The arrays are copies.

    There is no random state to keep: the order of an epoch is drawn from [seed, epoch], the augmentation of
    a batch from [seed, epoch, batch], and what the network itself draws from [seed, step] (`training.fit`).
    """

    recipe: Recipe
    symbol: str  # JSON: data to probabilities
    arguments: Arrays
    auxiliary: Arrays  # batch norm's running statistics; of several devices, their mean
    # "momentum:NAME" and, of float16 parameters, "master:NAME", as MXNet's SGD has them; with several devices
    # also "statistics:DEVICE:NAME", each device's own running statistics (DEVICE from 0, worker 0's first)
    optimizer: Arrays
    updates: dict[str, int]  # of each trained parameter; the largest is where the schedule is
    epoch: int  # epochs completed
    batch: int  # batches of the next epoch that are done
    step: int
    examples: int  # in the training part
    meter_examples: int  # of the epoch under way: seen, classified correctly, and the sum of their losses
    meter_correct: int
    meter_loss: float
    seconds: float  # that the epoch under way has taken
    history: list[dict]  # a row for each epoch completed, as in metrics.jsonl
    versions: dict[str, str]

    @classmethod
    def of(cls, run: Run) -> State:
        """Copy the run's state after its latest update; waits for the engine, so that nothing is in flight.

        It is the state of the whole job: all workers must ask for it at the same step.
        """
        mx.nd.waitall()
        module = run.module
        arguments, _ = module.parameters()
        momentum = module.optimizer_arrays()
        statistics = module.statistics()
        run.meter.catch_up()
        return cls(
            recipe=run.recipe,
            symbol=_symbol(run),
            arguments={name: array.asnumpy() for name, array in arguments.items()},
            auxiliary={name: mean([own[name] for own in statistics]) for name in statistics[0]},
            optimizer={name: array.asnumpy() for name, array in momentum.items()} | _by_device(statistics),
            updates=module.update_counts(),
            epoch=len(run.history),
            batch=run.batch,
            step=run.step,
            examples=run.feed.examples,
            meter_examples=run.meter.examples,
            meter_correct=run.meter.correct,
            meter_loss=run.meter.loss_sum,
            seconds=run.seconds,
            history=list(run.history),
            versions=versions(),
        )

    @property
    def validation_accuracy(self) -> float | None:
        """What these parameters reach on the validation part; None in the middle of an epoch."""
        return self.history[-1]["validation_accuracy"] if self.history and not self.batch else None

    def is_finite(self) -> bool:
        """Whether no number in the arrays is NaN or infinite."""
        values = (*self.arguments.values(), *self.auxiliary.values(), *self.optimizer.values())
        return all(np.isfinite(array).all() for array in values)

    def restore(self, run: Run) -> None:
        """Put this state into a run fresh from `training.start`, bit for bit.

        Raises UserError if the run has another network or other training data than the state was taken from.
        """
        if _symbol(run) != self.symbol:
            raise UserError(
                f"{self.recipe.model}: not the network of the checkpoint, which has another graph"
            )
        if (run.feed.examples, self._steps_done(run.feed.steps)) != (self.examples, self.step):
            raise UserError(
                f"{run.data.name}: {run.feed.examples} training images, not the {self.examples} of the checkpoint"
            )
        arguments, auxiliary = run.module.parameters()
        _expect_same("arg", self.arguments, arguments)
        _expect_same("aux", self.auxiliary, auxiliary)
        run.module.set_params(*self.parameters())
        self._restore_optimizer(run)
        self._restore_statistics(run)
        run.history = list(self.history)
        run.epoch, run.batch, run.step, run.seconds = self.epoch, self.batch, self.step, self.seconds
        run.meter.examples, run.meter.correct = self.meter_examples, self.meter_correct
        run.meter.loss_sum = self.meter_loss

    def parameters(self) -> tuple[dict[str, mx.nd.NDArray], dict[str, mx.nd.NDArray]]:
        """Arguments and auxiliary states as `Module.set_params` takes them."""
        arguments = {name: arrays.to_mxnet(array) for name, array in self.arguments.items()}
        return arguments, {name: arrays.to_mxnet(array) for name, array in self.auxiliary.items()}

    def _steps_done(self, steps_per_epoch: int) -> int:
        return self.epoch * steps_per_epoch + min(self.batch, steps_per_epoch)

    def _restore_optimizer(self, run: Run) -> None:
        if not self.updates.keys() <= set(run.module.parameter_names):
            raise UserError("the checkpoint counts updates of parameters that the network doesn't have")
        built = run.module.restore_optimizer(self.updates)
        _expect_same("optimiser", _without_statistics(self.optimizer), built)
        for name, array in built.items():
            array[:] = self.optimizer[name]

    def _restore_statistics(self, run: Run) -> None:
        """Give each device its own statistics back; on another number of devices than before, all keep the mean."""
        executors = run.module.executors
        devices = len(executors) * run.workers.count
        saved = self.optimizer.keys() - _without_statistics(self.optimizer).keys()
        names = executors[0].aux_dict if devices > 1 else ()
        if saved != {_device_name(device, name) for device in range(devices) for name in names}:
            return
        for device, executor in enumerate(executors, len(executors) * run.workers.rank):
            own = {name: self.optimizer[_device_name(device, name)] for name in names}
            _expect_same("statistics", own, {name: executor.aux_dict[name] for name in names})
            for name in names:
                executor.aux_dict[name][:] = own[name]

    def progress(self) -> str:
        """Write all that is not in the arrays as JSON text."""
        values = {name: getattr(self, name) for name in COUNTERS}
        others = ("meter_loss", "seconds", "updates", "history", "versions")
        return json.dumps(values | {name: getattr(self, name) for name in others}, indent=1) + "\n"


def _symbol(run: Run) -> str:
    return run.symbol.get_internals()["probabilities_output"].tojson()


def _by_device(statistics: list[Arrays]) -> Arrays:
    """Name the auxiliary states by device, if there are several devices."""
    if len(statistics) == 1:
        return {}
    return {
        _device_name(device, name): array
        for device, own in enumerate(statistics)
        for name, array in own.items()
    }


def _device_name(device: int, name: str) -> str:
    return f"statistics:{device}:{name}"


def _without_statistics(optimizer: Arrays) -> Arrays:
    return {name: array for name, array in optimizer.items() if not name.startswith("statistics:")}


def _expect_same(kind: str, saved: Arrays, built: dict[str, mx.nd.NDArray]) -> None:
    theirs = {name: (array.shape, array.dtype) for name, array in saved.items()}
    ours = {name: (array.shape, np.dtype(array.dtype)) for name, array in built.items()}
    for name in theirs.keys() ^ ours.keys() or {n for n in ours if ours[n] != theirs[n]}:
        raise UserError(
            f"{kind} array {name[:60]!r}: {theirs.get(name, 'missing')} in the checkpoint, "
            f"{ours.get(name, 'missing')} in the network that its recipe builds"
        )


def checksum(run: Run) -> int:
    """The CRC-32 of the parameters and the optimiser's arrays on this worker."""
    mx.nd.waitall()
    parameters, _ = run.module.parameters()
    found = 0
    for array in (parameters | run.module.optimizer_arrays()).values():
        found = zlib.crc32(array.asnumpy().tobytes(), found)
    return found


def versions() -> dict[str, str]:
    """The versions, and the number of threads, on which the last bits of a training depend."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "mxnet": mx.__version__,
        "gluoncv": gluoncv.__version__,
        "threads": str(threads().count),
    }


def parse_parameters(content: bytes, path: Path) -> tuple[Arrays, Arrays]:
    """Read arguments and auxiliary states from the content of a parameter file; UserError if it is none."""
    kinds: dict[str, Arrays] = {"arg": {}, "aux": {}}
    for key, array in arrays.parse(content, path).items():
        kind, _, name = key.partition(":")
        if kind not in kinds:
            raise UserError(f"{path}: array {key[:60]!r} is neither arg: nor aux:")
        kinds[kind][name] = array
    return kinds["arg"], kinds["aux"]


def parse_progress(content: bytes, path: Path) -> dict[str, Any]:
    """Read what `State.progress` wrote, as fields of State; raises UserError for anything else."""
    values = parse_json(content, path)
    try:
        counters = {name: _whole(values[name]) for name in COUNTERS}
        updates = {name: _whole(number) for name, number in _object(values["updates"]).items()}
        history = [_row(row, number) for number, row in enumerate(values["history"], 1)]
        if len(history) != counters["epoch"]:
            raise ValueError(f"{len(history)} rows of {counters['epoch']} epochs")
        return counters | {
            "meter_loss": _number(values["meter_loss"]),
            "seconds": _number(values["seconds"]),
            "updates": updates,
            "history": history,
            "versions": {name: str(value)[:40] for name, value in _object(values["versions"]).items()},
        }
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path}: not the progress of a run ({type(error).__name__}: {error})") from None


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < LARGEST:
        raise ValueError("expected a whole number from 0 on")
    return value


def _number(value: object) -> float:
    if type(value) not in (int, float):
        raise ValueError("expected a number")
    return float(value)


def _object(value: object) -> dict:
    if type(value) is not dict:
        raise ValueError("expected an object")
    return value


def _row(row: object, epoch: int) -> dict:
    # Version 0.1.0 wrote no validation loss.
    if _object(row).keys() | {"validation_loss"} != ROW or row["epoch"] != epoch:
        raise ValueError(f"expected the row of epoch {epoch}")
    return {name: value if name == "epoch" else _number(value) for name, value in row.items()}
