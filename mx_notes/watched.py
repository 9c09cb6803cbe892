"""`mx-notes train`: one run in one folder, watched from beginning to end."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from . import checkpoint, training
from .audit.confirmation import confirmed
from .callbacks import MetricsFile, Progress, SaveBest, StopOnNonFinite, TensorBoard
from .errors import UserError
from .plots import curves
from .recipes import Recipe
from .runtime import threads


def train(recipe: Recipe, out: Path) -> int:
    """Train the recipe into the new folder `out`; returns the exit status.

    0: trained, and the audit confirmed it; 1: the audit refuted something; 130: interrupted, with what
    was trained so far saved. Raises UserError for bad input, leaving nothing behind.
    """
    began = time.perf_counter()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"--out {out}: already holds something; name a new folder")
    with confirmed() as confirmation:
        run = training.start(recipe)
        _create(out, recipe)
        print(_headline(run, out), flush=True)
        best, metrics = SaveBest(out), MetricsFile(out)
        callbacks = [StopOnNonFinite(out), Progress(), metrics, TensorBoard(out), best]
        trained = time.perf_counter()
        try:
            training.fit(run, callbacks)
        except KeyboardInterrupt:
            path = checkpoint.save(out, checkpoint.State.of(run))
            print(
                f"\ninterrupted after step {run.step}; what was trained so far is in {path}", file=sys.stderr
            )
            _finish(run, out)
            return 130
        seconds = time.perf_counter() - trained
        run.module.set_params(*checkpoint.load(best.best))
        test = training.score(run.module, run.data.evaluation("test", recipe.batch_size))
    metrics.append({"test_accuracy": test.accuracy, "test_loss": test.loss, "checkpoint": best.best.name})
    _finish(run, out)
    print(
        f"test    accuracy {test.accuracy:.4f} on {test.examples} images, with the parameters of {best.best.name}"
        f" (best validation accuracy); trained in {seconds:.0f} s after {trained - began:.0f} s of set-up"
    )
    print(confirmation.text())
    return 0 if confirmation.holds else 1


def _create(out: Path, recipe: Recipe) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "recipe.json").write_text(recipe.to_json())
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written: {error.strerror}") from None


def _headline(run: training.Run, out: Path) -> str:
    recipe, data = run.recipe, run.data
    return (
        f"{recipe.model} on {data.name} ({len(data.train.labels)} training, {len(data.validation.labels)} validation,"
        f" {len(data.test.labels)} test images), {recipe.epochs} epochs of {run.feed.steps} batches of"
        f" {recipe.batch_size}, seed {recipe.seed}, {recipe.device}, {threads().count} threads; into {out}"
    )


def _finish(run: training.Run, out: Path) -> None:
    if run.history:
        curves(run.history, out / "curves.png", title=f"{run.recipe.model} on {run.data.name}")
