"""A training session: one run in one folder, watched from its first check to its last line.

with Session(Path("runs/mine")) as session:
    status = session.finish(session.begin(preset("digits")))
"""

from __future__ import annotations

import os
import shlex
import sys
import textwrap
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .. import checkpoint, disk, recipes, training
from ..audit.confirm.confirmation import CHECKED_STEPS, Confirmation
from ..audit.hooks.telling import STRICT
from ..audit.report.summary import plural
from ..audit.report.text import findings_text, rules_line
from ..audit.watch import audit
from ..checkpoint import beginning
from ..checkpoint.saving import Checkpoints, SameParameters, StopOnNonFinite
from ..checkpoint.state import State, checksum, versions
from ..data import Description, contact_sheet, description
from ..errors import UserError
from ..parallel.workers import joined
from ..recipes import Recipe
from ..runtime import Threads, mx, threads, use_threads
from ..terminal import narrow
from ..training import Run
from ..training.plots import curves
from ..training.reporting import MetricsFile, Progress, TensorBoard
from ..training.signals import Interrupted, StopOnSignal
from .going_on import JOB, KEPT, resuming

# These knobs decide what a step is and which images are held out: changed half-way, no result would mean anything.
FIXED = ("data", "validation", "model", "image_size", "freeze", "batch_size", "seed", "dtype")


class Session:
    """`begin` or `resume` a run in the folder `out`, then `finish` it; hold its lock until the end of the `with`.

    every: steps between two checkpoints within an epoch (None: only at its end). keep: how many of the
    newest checkpoints stay, besides the best.

    Of several workers (`workers.joined`) worker 0 alone reads and writes the folder, and prints.
    """

    def __init__(self, out: Path, every: int | None = None, keep: int = KEPT) -> None:
        self._out, self._every, self._keep = out, every, keep
        self._began = time.perf_counter()

    def __enter__(self) -> Session:
        with ExitStack() as held:
            self._workers = held.enter_context(joined())
            self._first = self._workers.rank == 0
            count = self._workers.count
            if count > 1:  # a worker whose audit stopped alone would leave the others waiting for its sums
                os.environ.setdefault(STRICT, "1")
            where = f"on {count} workers" if count > 1 else ""
            self._confirmation = Confirmation(self._workers.total, where)
            self._watch = held.enter_context(audit(confirmation=self._confirmation))
            self._held = held.pop_all()
        return self

    def __exit__(self, *error: object) -> bool | None:
        return self._held.__exit__(*error)

    def begin(self, recipe: Recipe, start_from: Path | None = None) -> Run:
        """Start the recipe's run in the new folder `out`, with the parameters in a file: see `checkpoint.begin_from`.

        Raises UserError for bad input, leaving nothing behind.
        """
        with self._workers.together(), _faults(recipe, self._out):
            if self._first:
                _expect_new(self._out)
            run = training.start(recipe, self._workers)
            began = checkpoint.begin_from(run, start_from) if start_from else None
        self._expect_one_job(run)
        state = State.of(run) if began else None
        with self._workers.together(), _faults(recipe, self._out):
            if self._first:
                with disk.writing(f"--out {self._out}"):
                    self._out.mkdir(parents=True, exist_ok=True)
                self._held.enter_context(disk.locked(self._out))
                _expect_new(self._out)  # another run may have begun there meanwhile
                disk.replace(self._out / description.NAME, Description.of(run.data).to_json())
                with disk.whole(self._out / contact_sheet.NAME) as part:
                    contact_sheet.draw(run.data, part)
                if began:
                    disk.replace(self._out / beginning.NAME, began.to_json())
                    checkpoint.save(self._out, state)
                    print(began.text(), flush=True)
                # Last: with it the run can be resumed, which needs the file that it began with no more.
                disk.replace(self._out / checkpoint.RECIPE, run.recipe.to_json())
        return run

    def resume(self, settings: Sequence[str], override: bool = False) -> Run:
        """Start the run in `out` from its newest whole checkpoint, to go on with the same bits as without a break.

        settings: `name=value` changes of its recipe, which need `override`, as does an edited recipe.json.
        Raises UserError for them otherwise, and for a folder with no run in it. How many workers there are
        may change.
        """
        workers, recipe, before = self._workers, Recipe(), None
        with workers.together():
            if self._first:
                recipe, before = self._begun(settings, override)
        recipe = Recipe.from_json(workers.broadcast(recipe.to_json().encode()).decode())
        if workers.collect([before is not None])[0, 0]:
            before = checkpoint.broadcast(before, workers)
        with workers.together(), _faults(recipe, self._out):
            if not self._first:
                recipe = recipe.override(settings)
            run = training.start(recipe, workers)
            if self._first:
                _expect_same_data(self._out, run)
            if before:
                _keep_threads(before)
                before.restore(run)
        self._expect_one_job(run)
        with _faults(recipe, self._out):
            if self._first:
                if before:
                    _tell_versions(before)
                disk.replace(self._out / checkpoint.RECIPE, recipe.to_json())
        return run

    def _begun(self, settings: Sequence[str], override: bool) -> tuple[Recipe, State | None]:
        """Take the lock of the run in `out`; returns the recipe to go on with and the newest state."""
        recipes.of_run(self._out, f"--resume {self._out}")  # before a lock is left in what is no run's folder
        self._held.enter_context(disk.locked(self._out))
        recipe = recipes.of_run(self._out).override(settings)
        before, damaged = checkpoint.newest(self._out)
        for message in damaged:
            print(f"mx-notes: {message}; the one before it is used", file=sys.stderr)
        if before:
            _compare(before.recipe, recipe, override)
        return recipe, before

    def _expect_one_job(self, run: Run) -> None:
        """Raise on all workers unless they train the same on the same data; devices and its place may differ."""
        knobs = {
            name: value for name, value in vars(run.recipe).items() if name not in ("device", "data_dir")
        }
        found = {
            "--checkpoint-every": self._every,
            "devices": len(run.module.devices),
            "mxnet": mx.__version__,
            "training labels (CRC-32)": zlib.crc32(run.data.train.labels.tobytes()),
            "parameters at the beginning (CRC-32)": checksum(run),
        }
        self._workers.expect_same(**knobs, **found)

    def finish(self, run: Run) -> int:
        """Train the run to its end, score it and print what was confirmed; returns the exit status.

        Status 0: trained, and the audit confirmed it; 1: the audit refuted something; 130 or 143:
        interrupted by SIGINT or SIGTERM, with everything done so far saved. Raises UserError for a fault of
        the disk, the data or the memory, leaving the last checkpoint whole.
        """
        before, began = run.step, time.perf_counter()
        with _faults(run.recipe, self._out):
            interrupted = self._fit(run)
            if interrupted:
                return interrupted.status
            self._score(run, time.perf_counter() - began, began - self._began)
            if before and run.step - before < CHECKED_STEPS[0]:
                if self._first:
                    print(f"audit   {run.step - before} batches were left to train: too few to check")
                return 0
            return self._confirm()

    def _fit(self, run: Run) -> Interrupted | None:
        """Train all epochs, or until a signal comes, which is returned."""
        stop, checkpoints = StopOnSignal(), Checkpoints(self._out, self._every, self._keep)
        progress = Progress()
        shown = [progress, MetricsFile(self._out), TensorBoard(self._out)] if self._first else []
        callbacks = [StopOnNonFinite(self._out), SameParameters(), *shown, checkpoints, stop]
        with stop.listening():
            if self._first:
                print(narrow(_headline(run, self._out), 8), flush=True)
            try:
                training.fit(run, callbacks)
            except Interrupted as interrupted:
                progress.close()
                saved = checkpoints.save(run)
                if self._first:
                    self._draw(run)
                    # The terminal has written ^C where the line begins.
                    begin = "\r\x1b[K" if sys.stderr.isatty() else ""
                    print(begin + self._interruption(run, interrupted, saved), file=sys.stderr)
                return interrupted
            finally:
                progress.close()
        return None

    def _score(self, run: Run, seconds: float, set_up: float) -> None:
        """Score the best epoch's parameters on the test part."""
        best = checkpoint.place(self._out, run.best_step)
        chosen = checkpoint.broadcast(checkpoint.read(best) if self._first else None, self._workers)
        run.module.set_params(*chosen.parameters())
        evaluation = run.data.evaluation("test", run.recipe.batch_size, share=self._workers.share)
        test = training.score(run.module, evaluation, workers=self._workers)
        if self._first:
            row = {"test_accuracy": test.accuracy, "test_loss": test.loss, "checkpoint": best.name}
            MetricsFile(self._out).append(row)
            self._draw(run)
            line = (
                f"test    accuracy {test.accuracy:.4f}, loss {test.loss:.4f} on {test.examples} images, with the"
                f" parameters of {best.name} (best validation accuracy); trained in {seconds:.0f} s after"
                f" {set_up:.0f} s of set-up"
            )
            print(narrow(line, 8))

    def _confirm(self) -> int:
        """Print what each worker's audit confirmed and found; returns the exit status."""
        self._watch.finish()
        summary = self._watch.summary()
        lines = [self._confirmation.text(), f"        {rules_line(summary)}", *findings_text(summary)]
        texts = self._workers.texts("\n".join(lines))
        if self._first:
            for rank, text in enumerate(texts):
                who = f"worker {rank}: " if len(texts) > 1 else ""
                print(narrow(textwrap.indent(text, who), len(who) + 8))
        holds = self._confirmation.holds and not summary.errors
        return 0 if self._workers.collect([holds]).all() else 1

    def _interruption(self, run: Run, interrupted: Interrupted, saved: bool) -> str:
        """Say where the run stands, and on a line of its own the command that goes on with it."""
        what = "which is saved" if saved else "not saved: a number in it is NaN or infinite"
        job = os.environ.get(JOB, "mx-notes")
        each = ", as each worker" if run.workers.connected and JOB not in os.environ else ""
        return (
            f"interrupted after step {run.step} ({interrupted}), {what}; go on{each} with:\n"
            f"{job} {resuming(self._out, self._every, self._keep)}"
        )

    def _draw(self, run: Run) -> None:
        if run.history:
            title = f"{run.recipe.model} on {run.data.name}"
            curves(run.history, self._out / "curves.png", title)


def _expect_new(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise UserError(f"--out {out}: is a file; name a new folder")
    if (out / checkpoint.RECIPE).exists():
        with disk.locked(out):
            raise UserError(
                f"--out {out}: already holds a run; name a new folder, or go on with it by --resume {shlex.quote(str(out))}"
            )
    if any(path.name != disk.LOCK for path in out.iterdir()):
        raise UserError(f"--out {out}: already holds something; name a new folder")


def _compare(before: Recipe, now: Recipe, override: bool) -> None:
    changes = {
        name: f"{name} {value!r} → {getattr(now, name)!r}"
        for name, value in vars(before).items()
        if value != getattr(now, name)
    }
    fixed = [change for name, change in changes.items() if name in FIXED]
    if fixed:
        raise UserError(f"{', '.join(fixed)}: cannot change within a run; start a new one with --out")
    if changes and not override:
        raise UserError(
            f"the recipe is not the checkpoint's: {', '.join(changes.values())}; add --override to go on with it"
        )


def _keep_threads(before: State) -> None:
    """Go on with as many threads as before, if the machine has them: another number sums in another order."""
    count = before.versions.get("threads", "")
    if count.isdigit() and 0 < int(count) <= len(os.sched_getaffinity(0)):
        use_threads(Threads(int(count), "as before the checkpoint"))


def _expect_same_data(out: Path, run: Run) -> None:
    path, now = out / description.NAME, Description.of(run.data)
    before = description.read(path) if path.exists() else now  # runs of old have none
    if (before.classes, before.examples) != (now.classes, now.examples):
        raise UserError(
            f"{now.source}: not the classes and numbers of images that the run began with ({path})"
        )


def _tell_versions(before: State) -> None:
    now = versions()
    changes = [
        f"{name} {was} → {now.get(name)}" for name, was in before.versions.items() if was != now.get(name)
    ]
    if changes:
        print(f"note: {', '.join(changes)} since the checkpoint: the last bits may differ", file=sys.stderr)


@contextmanager
def _faults(recipe: Recipe, out: Path) -> Iterator[None]:
    """Turn a refusal of the disk or the memory into one line; the checkpoints are whole whatever happens."""
    try:
        yield
    except BrokenPipeError:  # the reader of our output has gone
        raise
    except OSError as error:
        raise UserError(f"{error.filename or out}: {error.strerror or error}") from None
    except (MemoryError, RuntimeError) as error:  # MXNet's own errors are RuntimeErrors
        if isinstance(error, RuntimeError) and not _of_memory(error):
            raise
        raise UserError(
            f"out of memory: {recipe.model} with batches of {recipe.batch_size}; try a smaller --batch-size"
        ) from None


def _of_memory(error: RuntimeError) -> bool:
    text = str(error).lower()
    return any(words in text for words in ("failed to allocate", "bad_alloc", "out of memory"))


def _headline(run: Run, out: Path) -> str:
    recipe, data = run.recipe, run.data
    begin = f"; from step {run.step}" if run.step else ""
    where = f"{recipe.device}, {plural(threads().count, 'thread')}"
    if run.workers.connected:
        where = f"{run.workers.count} workers on {where} each"
    return (
        f"{recipe.model} on {data.name} ({len(data.train.labels)} training, {len(data.validation.labels)} validation,"
        f" {len(data.test.labels)} test images), {recipe.epochs} epochs of {run.feed.steps} batches of"
        f" {recipe.batch_size}, seed {recipe.seed}, {where}; into {out}{begin}"
    )
