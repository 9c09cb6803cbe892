"""What happens beside the training loop: one class per job, its methods named after moments of training.

fit(run, [Progress(), StopOnNonFinite(out), MetricsFile(out), Checkpoints(out)])
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from .. import checkpoint, disk
from ..checkpoint.state import State, checksum
from ..parallel.workers import Agreed

if TYPE_CHECKING:
    from .loop import Meter, Run


class Callback:
    """Override the moments you need."""

    def on_train_begin(self, run: Run) -> None:
        """Before the first batch."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before the first batch of `run.epoch`."""

    def on_step_end(self, run: Run, meter: Meter) -> None:
        """After an update was handed to the engine; `meter` has read all steps but this one."""

    def on_validation_step(self, run: Run) -> None:
        """After a batch of the epoch's validation was handed to the engine."""

    def on_epoch_end(self, run: Run) -> None:
        """After the validation; `run.history[-1]` is the epoch's row."""

    def on_train_end(self, run: Run) -> None:
        """After the last epoch."""


class Progress(Callback):
    """A bar per epoch where stderr is a terminal, and a line per epoch on stdout."""

    def on_epoch_begin(self, run: Run) -> None:
        """Open the bar."""
        title = f"epoch {run.epoch + 1}/{run.recipe.epochs}"
        self._bar = tqdm(
            total=run.feed.examples, desc=title, unit="img", leave=False, disable=not sys.stderr.isatty()
        )

    def on_step_end(self, run: Run, meter: Meter) -> None:
        """Advance it to the examples whose loss is known."""
        self._bar.set_postfix(loss=f"{meter.last_loss:.4f}", refresh=False)
        self._bar.update(meter.examples - self._bar.n)

    def on_epoch_end(self, run: Run) -> None:
        """Replace it by the epoch's line."""
        self._bar.close()
        row = run.history[-1]
        width = len(str(run.recipe.epochs))
        print(
            f"epoch {row['epoch']:{width}}/{run.recipe.epochs}"
            f"  loss {row['loss']:.4f}  train {row['train_accuracy']:.4f}"
            f"  validation {row['validation_accuracy']:.4f}"
            f"  lr {row['learning_rate']:.4g}  {row['images_per_second']:.0f} images/s",
            flush=True,
        )


class MetricsFile(Callback):
    """One JSON object per epoch in `metrics.jsonl`, written as the epoch ends."""

    def __init__(self, out: Path) -> None:
        self._path = out / "metrics.jsonl"

    def on_train_begin(self, run: Run) -> None:
        """Begin with the rows of the epochs that are done: what a run wrote after its checkpoint goes."""
        disk.replace(self._path, "".join(map(_line, run.history)))

    def on_epoch_end(self, run: Run) -> None:
        """Append the epoch's row."""
        self.append(run.history[-1])

    def append(self, row: dict) -> None:
        """Append any row (the last one of a run holds `test_accuracy`)."""
        with self._path.open("a") as file:
            file.write(_line(row))


def _line(row: dict) -> str:
    return json.dumps(row) + "\n"


class TensorBoard(Callback):
    """The same numbers as a TensorBoard event file in `tensorboard/`."""

    def __init__(self, out: Path) -> None:
        self._folder = out / "tensorboard"

    def on_train_begin(self, run: Run) -> None:
        """Begin a new file with the epochs that are done, in place of what an earlier process wrote."""
        # Not SummaryWriter: its thread dies of a full disk, and closing it then waits for ever.
        from tensorboardX.event_file_writer import EventsWriter

        self._folder.mkdir(exist_ok=True)
        for old in self._folder.glob("events.out.tfevents.*"):
            old.unlink()
        self._writer = EventsWriter(str(self._folder / "events"))
        for row in run.history:
            self._add(row)

    def on_epoch_end(self, run: Run) -> None:
        """Write the epoch's scalars."""
        self._add(run.history[-1])

    def _add(self, row: dict) -> None:
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.summary import scalar

        for name in sorted(row.keys() - {"epoch"}):
            summary = scalar(name, row[name])
            self._writer.write_event(Event(wall_time=time.time(), step=row["epoch"], summary=summary))
        self._writer.flush()

    def on_train_end(self, run: Run) -> None:
        """Close the file."""
        self._writer.close()


class StopOnNonFinite(Callback):
    """Stop at the first loss that is NaN or infinite; save the last parameters that were all finite."""

    EVERY = 50  # steps between two copies of the parameters: at most so much is lost

    def __init__(self, out: Path) -> None:
        self._out = out
        self._steps_read = 0

    def on_train_begin(self, run: Run) -> None:
        """Copy the start."""
        self._good = State.of(run)

    def on_epoch_begin(self, run: Run) -> None:
        """Start a new count of steps."""
        self._steps_read = 0

    def on_step_end(self, run: Run, meter: Meter) -> None:
        """Look at the loss that was read last: that of the step before."""
        if meter.steps_read == self._steps_read:
            return
        self._steps_read = meter.steps_read
        if not math.isfinite(meter.last_loss):
            self._stop(run, f"the loss became {meter.last_loss}", run.step - 1)
        if run.step % self.EVERY == 0:
            state = State.of(run)
            if state.is_finite():
                self._good = state

    def on_epoch_end(self, run: Run) -> None:
        """Look at the epoch's loss, which includes the last step's, and at what that step made of the parameters."""
        loss = run.history[-1]["loss"]
        if not math.isfinite(loss):
            self._stop(run, f"the loss became {loss}", run.step)
        if not State.of(run).is_finite():
            self._stop(run, "a parameter became NaN or infinite", run.step)

    def _stop(self, run: Run, what: str, step: int) -> None:
        rate = run.module._optimizer.lr_scheduler(step)
        path = checkpoint.place(self._out, self._good.step)
        if run.workers.rank == 0:
            checkpoint.save(self._out, self._good)
        raise Agreed(
            f"{what} at step {step} (learning rate {rate:.4g}); the last good parameters, "
            f"after step {self._good.step}, are in {path}; try a lower --set lr= or --set warmup_epochs=1"
        )


class Checkpoints(Callback):
    """Save after each epoch, and after every `every` steps; keep the newest `keep` and the best.

    The best is that of the epoch with the best validation accuracy, of equals the latest.
    """

    def __init__(self, out: Path, every: int | None = None, keep: int = 2) -> None:
        self._out, self._every, self._keep = out, every, keep

    def on_step_end(self, run: Run, meter: Meter) -> None:
        """Save, if it is time and the epoch doesn't end here."""
        if self._every and run.step % self._every == 0 and run.batch < run.feed.steps:
            self.save(run)

    def on_epoch_end(self, run: Run) -> None:
        """Save, and remove those that are not to be kept."""
        self.save(run)

    def save(self, run: Run) -> bool:
        """Write a checkpoint now, unless a number in it is NaN or infinite; returns whether.

        Of several workers all must call it; worker 0 writes.
        """
        state = State.of(run)
        if not state.is_finite():
            return False
        if run.workers.rank == 0:
            checkpoint.save(self._out, state)
            checkpoint.keep_only(self._out, self._keep, run.best_step)
        return True


class SameParameters(Callback):
    """Stop if a worker's parameters are not those of worker 0, bit for bit, after an epoch."""

    def on_epoch_end(self, run: Run) -> None:
        """Compare a checksum."""
        run.workers.expect_same(**{f"parameters after epoch {run.epoch + 1} (CRC-32)": checksum(run)})
