"""Callbacks that report a run as it trains: on the terminal, in metrics.jsonl, as TensorBoard events."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tqdm import tqdm

from .. import disk, runtime
from .run import Callback, Meter, Run

SLOWED = 1.5  # times the fastest epoch's time; one busy process makes it 2 to 4 (docs/performance.md)


class Progress(Callback):
    """Show a bar per epoch where stderr is a terminal, and print a line per epoch on stdout.

    The line: mean loss and accuracy in training and in validation, learning rate, images per second.
    """

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._said_slowed = False

    def on_train_begin(self, run: Run) -> None:
        """Say what the numbers are."""
        print("        (loss, accuracy; learning rate, images per second)", flush=True)

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
            f"  train {row['loss']:.4f} {row['train_accuracy']:.4f}"
            f"  validation {row['validation_loss']:.4f} {row['validation_accuracy']:.4f}"
            f"  lr {row['learning_rate']:.2g}  {row['images_per_second']:.0f}/s",
            flush=True,
        )
        if not self._said_slowed and runtime.threads().count > 1:
            self._said_slowed = _say_if_slowed(run)

    def on_train_end(self, run: Run) -> None:
        """Say that the training ended early, and why."""
        if run.stalled and len(run.history) < run.recipe.epochs:
            print(
                f"ended after epoch {len(run.history)}: no better validation accuracy"
                f" for {run.recipe.patience} epochs (patience)"
            )

    def close(self) -> None:
        """Take the bar away, if a training ends in the middle of an epoch."""
        if self._bar is not None:
            self._bar.close()


def _say_if_slowed(run: Run) -> bool:
    """Say that the latest epoch was slow because other programs run, if so.

    The number of threads stays: another one gives other bits, and a run's must not depend on its neighbours.
    """
    speeds = [row["images_per_second"] for row in run.history]
    slowed = max(speeds) / speeds[-1]
    if slowed < SLOWED or not runtime.running_others():
        return False
    print(
        f"        {slowed:.1f} times as slow beside another program: threads wait for a core;"
        "\n        Ctrl-C, then --resume with OMP_NUM_THREADS=1, may be faster",
        flush=True,
    )
    return True


class MetricsFile(Callback):
    """Write one JSON object per epoch to `metrics.jsonl`, as the epoch ends."""

    def __init__(self, out: Path) -> None:
        self._path = out / "metrics.jsonl"

    def on_train_begin(self, run: Run) -> None:
        """Write the rows of the epochs that are done; rows that a broken run wrote after its checkpoint go."""
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
    """Write the numbers of metrics.jsonl as a TensorBoard event file in `tensorboard/`, too."""

    def __init__(self, out: Path) -> None:
        self._folder = out / "tensorboard"

    def on_train_begin(self, run: Run) -> None:
        """Begin a new file with the epochs that are done, in place of an earlier process's files."""
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
