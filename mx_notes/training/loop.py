"""The training loop: the whole batch forward, one backward on its mean loss, update."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

from ..data.feed import Feed
from ..parallel.workers import Workers
from ..runtime import mx
from .run import Callback, Meter, Run, Score
from .start import draws_numbers, seed_step


def fit(run: Run, callbacks: Iterable[Callback] = ()) -> None:
    """Train the recipe's epochs, from where the run is, or until it has stalled. Each adds a row to `run.history`; callbacks do the rest.

    A batch is forward, backward on the mean of its losses, update. The last batch of an epoch may be
    shorter: the module is reshaped to it, so that the mean is over the examples that it has.
    """

    def tell(moment: str, *arguments) -> None:
        for callback in callbacks:
            getattr(callback, moment)(run, *arguments)

    draws = draws_numbers(run.module.symbol)
    tell("on_train_begin")
    for epoch in range(len(run.history), run.recipe.epochs):
        if run.stalled:
            break
        run.epoch = epoch
        began = time.perf_counter() - run.seconds
        tell("on_epoch_begin")
        for batch in run.feed.epoch(epoch, run.batch):
            if draws:
                seed_step(run.recipe.seed, run.step, run.workers.rank)
            run.module.forward_backward(batch)
            run.module.update()
            run.step += 1
            run.batch += 1
            run.meter.add(run.module.get_outputs(), batch.label[0], batch.copies)
            run.seconds = time.perf_counter() - began
            tell("on_step_end", run.meter)
        # MXNet writes batch norm's running statistics unannounced: nothing may read them before this.
        mx.nd.waitall()
        run.seconds = time.perf_counter() - began
        trained = run.meter.score()
        validation = score(
            run.module,
            run.data.evaluation("validation", run.recipe.batch_size, share=run.workers.share),
            after_batch=partial(tell, "on_validation_step"),
            workers=run.workers,
        )
        run.history.append(
            {
                "epoch": epoch + 1,
                "loss": trained.loss,
                "train_accuracy": trained.accuracy,
                "validation_loss": validation.loss,
                "validation_accuracy": validation.accuracy,
                "learning_rate": run.learning_rate,
                "images_per_second": trained.examples / run.seconds,
                "seconds": run.seconds,
            }
        )
        run.batch, run.seconds, run.meter = 0, 0.0, Meter(run.workers)
        tell("on_epoch_end")
    tell("on_train_end")


def score(
    module: mx.mod.Module,
    feed: Feed,
    after_batch: Callable[[], None] = lambda: None,
    workers: Workers | None = None,
) -> Score:
    """Loss and accuracy of the module's network in inference mode on every example of the feed, once.

    workers: those that the feed's batches are divided among; each gets the score of all.
    """
    mx.nd.waitall()
    meter = Meter(workers)
    for batch in feed.epoch(0):
        module.forward(batch, is_train=False)
        meter.add(module.get_outputs(), batch.label[0], batch.copies)
        after_batch()
    return meter.score()
