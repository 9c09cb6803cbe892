"""Callbacks that save a run as it trains, and stop it where going on would spoil what is saved."""

from __future__ import annotations

import math
from pathlib import Path

from ..parallel.workers import Agreed
from ..training.run import Callback, Meter, Run
from . import folder
from .state import State, checksum


class StopOnNonFinite(Callback):
    """Stop at the first loss that is NaN or infinite; save the last parameters that were all finite."""

    EVERY = 50  # steps between two copies of the parameters: at most so many are lost

    def __init__(self, out: Path) -> None:
        self._out = out
        self._steps_read = 0

    def on_train_begin(self, run: Run) -> None:
        """Copy the initial parameters."""
        self._good = State.of(run)

    def on_epoch_begin(self, run: Run) -> None:
        """Start a new count of steps."""
        self._steps_read = 0

    def on_step_end(self, run: Run, meter: Meter) -> None:
        """Check the latest loss that was read, which is the previous step's; now and then copy the parameters."""
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
        """Check the epoch's loss, which includes the last step's, and the parameters after that step."""
        loss = run.history[-1]["loss"]
        if not math.isfinite(loss):
            self._stop(run, f"the loss became {loss}", run.step)
        if not State.of(run).is_finite():
            self._stop(run, "a parameter became NaN or infinite", run.step)

    def _stop(self, run: Run, what: str, step: int) -> None:
        rate = run.module.learning_rate(step)
        path = folder.place(self._out, self._good.step)
        if run.workers.rank == 0:
            folder.save(self._out, self._good)
        raise Agreed(
            f"{what} at step {step} (learning rate {rate:.4g}); the last good parameters, "
            f"after step {self._good.step}, are in {path}; try a lower --set lr= or --set warmup_epochs=1"
        )


class Checkpoints(Callback):
    """Save after each epoch, and after every `every` steps; keep the newest `keep` and the best.

    The best checkpoint is of the epoch with the best validation accuracy, of equals the latest.
    """

    def __init__(self, out: Path, every: int | None = None, keep: int = 2) -> None:
        self._out, self._every, self._keep = out, every, keep

    def on_step_end(self, run: Run, meter: Meter) -> None:
        """Save, if it is time and the epoch doesn't end here."""
        if self._every and run.step % self._every == 0 and run.batch < run.feed.steps:
            self.save(run)

    def on_epoch_end(self, run: Run) -> None:
        """Save, and remove the checkpoints that are not to be kept."""
        self.save(run)

    def save(self, run: Run) -> bool:
        """Write a checkpoint now, unless a number in it is NaN or infinite; returns whether.

        Of several workers all must call it; worker 0 writes.
        """
        state = State.of(run)
        if not state.is_finite():
            return False
        if run.workers.rank == 0:
            folder.save(self._out, state)
            folder.show_best(self._out, run.best_step)
            folder.keep_only(self._out, self._keep, run.best_step)
        return True


class SameParameters(Callback):
    """Stop if, after an epoch, a worker's parameters differ from worker 0's by a bit."""

    def on_epoch_end(self, run: Run) -> None:
        """Compare a checksum."""
        run.workers.expect_same(**{f"parameters after epoch {run.epoch + 1} (CRC-32)": checksum(run)})
