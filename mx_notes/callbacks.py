"""What happens beside the training loop: one class per job, its methods named after moments of training.

fit(run, [Progress(), StopOnNonFinite(out), MetricsFile(out), BestCheckpoint(out)])
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from . import checkpoint
from .errors import UserError

if TYPE_CHECKING:
    from .training import Meter, Run


class Callback:
    """Override the moments you need."""

    def on_train_begin(self, run: Run) -> None:
        """Before the first batch."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before the first batch of `run.epoch`."""

    def on_step_end(self, run: Run, meter: Meter) -> None:
        """After an update was handed to the engine; `meter` has read all steps but this one."""

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

    def on_epoch_end(self, run: Run) -> None:
        """Append the epoch's row."""
        self.append(run.history[-1])

    def append(self, row: dict) -> None:
        """Append any row (the last one of a run holds `test_accuracy`)."""
        with self._path.open("a") as file:
            file.write(json.dumps(row) + "\n")


class TensorBoard(Callback):
    """The same numbers as TensorBoard event files in `tensorboard/`."""

    def __init__(self, out: Path) -> None:
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(out / "tensorboard"))

    def on_epoch_end(self, run: Run) -> None:
        """Write the epoch's scalars."""
        row = run.history[-1]
        for name in row.keys() - {"epoch"}:
            self._writer.add_scalar(name, row[name], row["epoch"])
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
        self._good = checkpoint.State.of(run)

    def on_epoch_begin(self, run: Run) -> None:
        """Start a new count of steps."""
        self._steps_read = 0

    def on_step_end(self, run: Run, meter: Meter) -> None:
        """Look at the loss that was read last: that of the step before."""
        if meter.steps_read == self._steps_read:
            return
        self._steps_read = meter.steps_read
        if not math.isfinite(meter.last_loss):
            self._stop(run, meter.last_loss, run.step - 1)
        if run.step % self.EVERY == 0:
            state = checkpoint.State.of(run)
            if state.is_finite():
                self._good = state

    def on_epoch_end(self, run: Run) -> None:
        """Look at the epoch's loss, which includes the last step's."""
        if not math.isfinite(run.history[-1]["loss"]):
            self._stop(run, run.history[-1]["loss"], run.step)

    def _stop(self, run: Run, loss: float, step: int) -> None:
        rate = run.module._optimizer.lr_scheduler(step)
        path = checkpoint.save(self._out, self._good)
        raise UserError(
            f"the loss became {loss} at step {step} (learning rate {rate:.4g}); the last good parameters, "
            f"after step {self._good.step}, are in {path}; try a lower --set lr= or --set warmup_epochs=1"
        )


class SaveBest(Callback):
    """Keep the checkpoint with the best validation accuracy (of equals the latest) and the last one."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self.best: Path | None = None
        self._best_accuracy = -1.0

    def on_epoch_end(self, run: Run) -> None:
        """Save the epoch's parameters and remove those that are neither the best nor the last."""
        path = checkpoint.save(self._out, checkpoint.State.of(run))
        accuracy = run.history[-1]["validation_accuracy"]
        if accuracy >= self._best_accuracy:
            self.best, self._best_accuracy = path, accuracy
        checkpoint.keep_only(self._out, {path, self.best})
