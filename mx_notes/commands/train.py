"""`mx-notes train`: one run in one folder, watched from beginning to end, and gone on with after a fault."""

from __future__ import annotations

import shlex
import sys
import textwrap
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .. import checkpoint, disk, recipes, training
from ..audit.confirm.confirmation import CHECKED_STEPS, Confirmation
from ..audit.confirm.shared_audit import confirmed
from ..checkpoint import state
from ..checkpoint.state import State
from ..errors import UserError
from ..parallel.workers import Workers, joined
from ..recipes import Recipe
from ..runtime import mx, threads
from ..training.callbacks import (
    Checkpoints,
    MetricsFile,
    Progress,
    SameParameters,
    StopOnNonFinite,
    TensorBoard,
)
from ..training.plots import curves
from ..training.signals import Interrupted, StopOnSignal

RECIPE = "recipe.json"
# They decide what a step is and which images are held out: changed half-way, no result would mean anything.
FIXED = ("data", "validation", "model", "image_size", "batch_size", "seed", "dtype")


def train(recipe: Recipe, out: Path, every: int | None = None, keep: int = 2) -> int:
    """Train the recipe into the new folder `out`; returns the exit status.

    every: steps between two checkpoints within an epoch (None: only at its end). keep: how many of the
    newest checkpoints stay, besides the best. Status 0: trained, and the audit confirmed it; 1: the audit
    refuted something; 130 or 143: interrupted by SIGINT or SIGTERM, with everything done so far saved.
    Raises UserError for bad input, leaving nothing behind, and for a fault of the disk, the data or the
    memory, leaving the last checkpoint whole.

    Of several workers (`workers.joined`) worker 0 alone writes and prints.
    """
    began = time.perf_counter()
    with joined() as workers, confirmed(workers) as confirmation, ExitStack() as held:
        with workers.together(), _faults(recipe, out):
            if workers.rank == 0:
                _expect_new(out)
            run = training.start(recipe, workers)
        _expect_one_job(run, every)
        with workers.together(), _faults(recipe, out):
            if workers.rank == 0:
                _make(out)
                held.enter_context(disk.locked(out))
                _expect_new(out)  # another run may have begun there meanwhile
                disk.replace(out / RECIPE, recipe.to_json())
        with _faults(recipe, out):
            return _train(run, out, confirmation, every, keep, began)


def resume(
    out: Path, settings: list[str], override: bool = False, every: int | None = None, keep: int = 2
) -> int:
    """Go on with the run in `out` from its newest whole checkpoint, to the same bits as without the break.

    settings: `name=value` changes of its recipe, which need `override`, as does an edited recipe.json.
    Otherwise as `train`. Raises UserError, too, for a folder with no run in it.

    Of several workers only worker 0 reads `out`; how many there are may change.
    """
    began = time.perf_counter()
    with joined() as workers, ExitStack() as held:
        recipe, before = Recipe(), None
        with workers.together():
            if workers.rank == 0:
                recipe, before = _begun(out, settings, override, held)
        recipe = Recipe.from_json(workers.broadcast(recipe.to_json().encode()).decode())
        if workers.collect([before is not None])[0, 0]:
            before = checkpoint.broadcast(before, workers)
        with confirmed(workers) as confirmation:
            with workers.together(), _faults(recipe, out):
                if workers.rank:
                    recipe = recipe.override(settings)
                run = training.start(recipe, workers)
                if before:
                    before.restore(run)
            _expect_one_job(run, every)
            with _faults(recipe, out):
                if workers.rank == 0:
                    if before:
                        _tell_versions(before)
                    disk.replace(out / RECIPE, recipe.to_json())
                return _train(run, out, confirmation, every, keep, began)


def _begun(out: Path, settings: list[str], override: bool, held: ExitStack) -> tuple[Recipe, State | None]:
    """The recipe to go on with, and the newest state of the run in `out`, whose lock is held from here on."""
    if not (out / RECIPE).is_file():
        raise UserError(f"--resume {out}: no run's folder (it has no {RECIPE})")
    held.enter_context(disk.locked(out))
    recipe = recipes.read(out / RECIPE).override(settings)
    before, damaged = checkpoint.newest(out)
    for message in damaged:
        print(f"mx-notes: {message}; the one before it is used", file=sys.stderr)
    if before:
        _compare(before.recipe, recipe, override)
    return recipe, before


def _expect_one_job(run: training.Run, every: int | None) -> None:
    """All workers train the same on the same data, but for where they find it and on what device."""
    knobs = {name: value for name, value in vars(run.recipe).items() if name not in ("device", "data_dir")}
    found = {
        "--checkpoint-every": every,
        "devices": len(run.module._context),
        "mxnet": mx.__version__,
        "training labels (CRC-32)": zlib.crc32(run.data.train.labels.tobytes()),
        "parameters at the beginning (CRC-32)": state.checksum(run),
    }
    run.workers.expect_same(**knobs, **found)


def _train(
    run: training.Run, out: Path, confirmation: Confirmation, every: int | None, keep: int, began: float
) -> int:
    workers, stop, first = run.workers, StopOnSignal(), run.step
    writes = workers.rank == 0
    metrics, checkpoints = MetricsFile(out), Checkpoints(out, every, keep)
    shown = [Progress(), metrics, TensorBoard(out)] if writes else []
    callbacks = [StopOnNonFinite(out), SameParameters(), *shown, checkpoints, stop]
    trained = time.perf_counter()
    with stop.listening():
        if writes:
            print(_headline(run, out), flush=True)
        try:
            training.fit(run, callbacks)
        except Interrupted as interrupted:
            saved = checkpoints.save(run)
            if writes:
                _draw(run, out)
                print(_interruption(run, out, interrupted, saved), file=sys.stderr)
            return interrupted.status
    seconds = time.perf_counter() - trained
    best = checkpoint.place(out, run.best_step)
    chosen = checkpoint.broadcast(checkpoint.read(best) if writes else None, workers)
    run.module.set_params(*chosen.parameters())
    evaluation = run.data.evaluation("test", run.recipe.batch_size, share=workers.share)
    test = training.score(run.module, evaluation, workers=workers)
    if writes:
        metrics.append({"test_accuracy": test.accuracy, "test_loss": test.loss, "checkpoint": best.name})
        _draw(run, out)
        print(
            f"test    accuracy {test.accuracy:.4f} on {test.examples} images, with the parameters of {best.name}"
            f" (best validation accuracy); trained in {seconds:.0f} s after {trained - began:.0f} s of set-up"
        )
    if first and run.step - first < CHECKED_STEPS[0]:
        if writes:
            print(f"audit   {run.step - first} batches were left to train: too few to check")
        return 0
    return _audit(workers, confirmation)


def _audit(workers: Workers, confirmation: Confirmation) -> int:
    """Print what the audit of each worker says; returns the exit status."""
    texts = workers.texts(confirmation.text())
    if workers.rank == 0:
        for rank, text in enumerate(texts):
            print(textwrap.indent(text, f"worker {rank}: " if len(texts) > 1 else ""))
    return 0 if workers.collect([confirmation.holds]).all() else 1


def _interruption(run: training.Run, out: Path, interrupted: Interrupted, saved: bool) -> str:
    what = "which is saved" if saved else "not saved: a number in it is NaN or infinite"
    job = " in a job again" * bool(run.recipe.gradient_compression)
    return (
        f"interrupted after step {run.step} ({interrupted}), {what}; go on{job} with:"
        f" mx-notes train --resume {shlex.quote(str(out))}"
    )


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written: {error.strerror}") from None


def _expect_new(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise UserError(f"--out {out}: is a file; name a new folder")
    if (out / RECIPE).exists():
        with disk.locked(out):
            raise UserError(
                f"--out {out}: already holds a run; name a new folder, or go on with it by --resume {out}"
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


def _tell_versions(before: State) -> None:
    now = state.versions()
    changes = [
        f"{name} {was} → {now.get(name)}" for name, was in before.versions.items() if was != now.get(name)
    ]
    if changes:
        print(f"note: {', '.join(changes)} since the checkpoint: the last bits may differ", file=sys.stderr)


@contextmanager
def _faults(recipe: Recipe, out: Path) -> Iterator[None]:
    """What the disk or the memory refuses, as one line; the checkpoints are whole whatever happens."""
    try:
        yield
    except BrokenPipeError:  # whoever read our output has gone
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


def _headline(run: training.Run, out: Path) -> str:
    recipe, data = run.recipe, run.data
    begin = f"; from step {run.step}" if run.step else ""
    where = f"{recipe.device}, {threads().count} threads"
    if run.workers.connected:
        where = f"{run.workers.count} workers on {where} each"
    return (
        f"{recipe.model} on {data.name} ({len(data.train.labels)} training, {len(data.validation.labels)} validation,"
        f" {len(data.test.labels)} test images), {recipe.epochs} epochs of {run.feed.steps} batches of"
        f" {recipe.batch_size}, seed {recipe.seed}, {where}; into {out}{begin}"
    )


def _draw(run: training.Run, out: Path) -> None:
    if run.history:
        curves(run.history, out / "curves.png", title=f"{run.recipe.model} on {run.data.name}")
