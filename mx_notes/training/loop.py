"""Training as the note describes it: the whole batch forward, one backward on its mean loss, update.

run = start(preset("digits"))
fit(run, callbacks=[Progress()])
score(run.module, run.data.evaluation("test", 64)).accuracy
"""

from __future__ import annotations

import json
import random
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from .. import data, models, runtime
from ..data.augment import Augmentation, strength
from ..data.feed import Feed
from ..errors import UserError
from ..models.faster import faster
from ..parallel.data_parallel import DataParallel
from ..parallel.workers import Workers
from ..recipes import Recipe, Schedule
from ..runtime import mx
from .callbacks import Callback

RANDOM_OPERATORS = ("Dropout", "RNN", "LeakyReLU", "_random", "_sample", "sample_", "_shuffle")


@dataclass
class Score:
    """Mean loss and accuracy over a number of examples."""

    loss: float
    accuracy: float
    examples: int


@dataclass
class Run:
    """One training run: what callbacks may look at."""

    recipe: Recipe
    data: data.Dataset
    symbol: mx.sym.Symbol  # the network with its loss; the module's is changed for speed
    module: mx.mod.Module
    feed: Feed  # of this worker's share of each batch
    workers: Workers = field(default_factory=Workers)  # of the job; by default there is this process alone
    epoch: int = 0  # from 0; during a callback, the epoch that is running or has just ended
    batch: int = 0  # batches of the epoch done; 0 again when it has ended
    step: int = 0  # updates made so far
    seconds: float = 0.0  # that the epoch has taken
    meter: Meter = field(default_factory=lambda: Meter())  # of the epoch's batches done, on all workers
    history: list[dict] = field(default_factory=list)  # one row an epoch, as in metrics.jsonl

    @property
    def learning_rate(self) -> float:
        """The rate of the latest update (of the first, before it)."""
        return self.module._optimizer.lr_scheduler(max(self.step, 1))

    @property
    def best_step(self) -> int | None:
        """The step that ended the epoch of the best validation accuracy (of equals the latest)."""
        if not self.history:
            return None
        best = max(self.history, key=lambda row: (row["validation_accuracy"], row["epoch"]))
        return best["epoch"] * self.feed.steps


def start(recipe: Recipe, workers: Workers | None = None) -> Run:
    """Load the data, bind the network on the recipe's device or devices and initialise it from the seed.

    workers: those of the job, if there is one. They need not wait for each other in here.
    """
    workers = workers or Workers()
    if recipe.gradient_compression and not workers.connected:
        raise UserError(
            f"gradient_compression={recipe.gradient_compression:g}: only what workers send to servers is"
            " compressed; start them by mx-notes launch, or set it to 0"
        )
    workers.compression = recipe.gradient_compression
    devices = runtime.contexts(recipe.device)
    if recipe.dtype == "float16" and any(device.device_type == "cpu" for device in devices):
        raise UserError("dtype=float16: MXNet multiplies float16 matrices on a GPU only; use dtype=float32")
    dataset = data.load(
        recipe.data,
        data_dir=recipe.data_dir or None,
        validation=recipe.validation,
        seed=recipe.seed,
        image_size=recipe.image_size,
    )
    feed = dataset.training(
        recipe.batch_size,
        seed=recipe.seed,
        augmentation=Augmentation(recipe.reflect, recipe.translate, recipe.rotate, recipe.noise),
        strength=partial(strength, epochs=recipe.epochs, calm_epochs=recipe.calm_epochs),
        dtype=recipe.dtype,
        share=workers.share,
    )
    batch = min(recipe.batch_size, feed.examples)
    if batch < workers.count:
        raise UserError(
            f"a batch of {batch} for {workers.count} workers: each needs an example; use a larger batch_size"
        )
    symbol, module = bind(
        recipe, len(dataset.classes), dataset.shape, feed.steps, devices, workers, len(feed.own(0))
    )
    return Run(recipe, dataset, symbol, module, feed, workers, meter=Meter(workers))


def bind(
    recipe: Recipe,
    classes: int,
    shape: tuple[int, int, int],
    steps_per_epoch: int,
    devices: list[mx.Context],
    workers: Workers | None = None,
    own: int | None = None,
) -> tuple[mx.sym.Symbol, mx.mod.Module]:
    """The recipe's network with its loss, as a symbol, and the module that trains it, initialised from the seed.

    The module's own symbol is changed for speed: see `faster`. shape: (C, H, W) of an image; own: this worker's
    examples of a whole batch, by default all.
    """
    workers, own = workers or Workers(), own or recipe.batch_size
    seed_everything(recipe.seed)
    net = models.build(recipe.model, classes, shape)
    net.cast(recipe.dtype)
    symbol = models.mean_cross_entropy(net)
    trained = faster(symbol, devices, shape)
    # What Gluon does not train, such as the first gamma of a ResNet v2, Module would.
    untrained = {name for name, p in net.collect_params().items() if p.grad_req == "null"}
    fixed = sorted(untrained.intersection(symbol.list_arguments()))
    if len(devices) == 1 and not workers.connected:
        module = mx.mod.Module(
            trained, ("data",), ("softmax_label",), context=devices[0], fixed_param_names=fixed
        )
    else:
        module = DataParallel(trained, devices, workers, fixed_param_names=fixed)
    module.bind(
        [mx.io.DataDesc("data", (own, *shape), recipe.dtype)],
        [mx.io.DataDesc("softmax_label", (own,))],
    )
    module.init_params(models.initializer())
    with warnings.catch_warnings():  # that rescale_grad is not 1/batch_size: see optimizer()
        warnings.filterwarnings("ignore", message="Optimizer created manually")
        module.init_optimizer(kvstore=None, optimizer=optimizer(recipe, steps_per_epoch, module))
    return symbol, module


def optimizer(recipe: Recipe, steps_per_epoch: int, module: mx.mod.Module) -> mx.optimizer.Optimizer:
    """SGD with the recipe's momentum: v = momentum v - lr (g + wd w), w = w + v.

    `rescale_grad` is 1 because the loss in the graph is already the mean over the batch. Weight decay
    leaves out biases and batch norm's beta, as MXNet does by default.
    """
    return mx.optimizer.SGD(
        lr_scheduler=Schedule(recipe, steps_per_epoch, base_lr=recipe.learning_rate),
        momentum=recipe.momentum,
        wd=recipe.weight_decay,
        rescale_grad=1.0,
        multi_precision=recipe.dtype == "float16",
        param_idx2name=dict(enumerate(module._exec_group.param_names)),
        sym=module.symbol,
    )


def fit(run: Run, callbacks: Iterable[Callback] = ()) -> None:
    """Train the recipe's epochs, from where the run is. Each adds a row to `run.history`; callbacks do the rest.

    A batch is forward, backward on the mean of its losses, update. The last batch of an epoch may be
    shorter: the module is reshaped to it, so that the mean is over the examples that it has.
    """

    def tell(moment: str, *arguments) -> None:
        for callback in callbacks:
            getattr(callback, moment)(run, *arguments)

    draws = draws_numbers(run.module.symbol)
    tell("on_train_begin")
    for epoch in range(len(run.history), run.recipe.epochs):
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


class Meter:
    """Loss and accuracy so far, on all workers. A step's numbers are read when the next one is under way.

    Reading waits for the engine, and for the other workers; a step late, there is nothing left to wait for.
    """

    def __init__(self, workers: Workers | None = None) -> None:
        self._workers = workers or Workers()
        self.examples = self.correct = 0
        self.loss_sum = 0.0
        self.last_loss = float("nan")  # mean loss of the latest batch that was read
        self.steps_read = 0
        self._pending = None

    def add(self, outputs: list[mx.nd.NDArray], label: mx.nd.NDArray, copies: int = 1) -> None:
        """Take a batch's mean loss (1,) and probabilities (N, classes), and its labels (N,), of this worker.

        copies: on how many workers each of these examples is.
        """
        loss, probabilities = outputs
        label = label.as_in_context(probabilities.context)
        correct = (probabilities.argmax(axis=1) == label).sum()
        self.catch_up()
        self._pending = (loss.copy(), correct, len(label), copies)

    def catch_up(self) -> None:
        """Read the latest batch's numbers too; waits for them."""
        if self._pending is None:
            return
        loss, correct, examples, copies = self._pending
        self._pending = None
        losses, correct, examples = self._workers.collect(
            [float(loss.asscalar()) * examples, float(correct.asscalar()), examples]
        ).T
        self.last_loss = losses.sum() / examples.sum()
        self.loss_sum += losses.sum() / copies
        self.correct += int(correct.sum()) // copies
        self.examples += int(examples.sum()) // copies
        self.steps_read += 1

    def score(self) -> Score:
        """The mean over all examples added; waits for the last."""
        self.catch_up()
        if not self.examples:
            raise UserError("nothing to score: this part of the data is empty")
        return Score(self.loss_sum / self.examples, self.correct / self.examples, self.examples)


def seed_everything(seed: int) -> None:
    """Seed MXNet's, NumPy's and Python's generators (MXNet's initialisers draw from the first two)."""
    mx.random.seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def draws_numbers(symbol: mx.sym.Symbol) -> bool:
    """Whether the network has operators that draw random numbers, as Dropout does."""
    operators = {node["op"] for node in json.loads(symbol.tojson())["nodes"]}
    return any(name.startswith(RANDOM_OPERATORS) for name in operators)


def seed_step(seed: int, step: int, worker: int = 0) -> None:
    """Seed what the network draws in this step, so that it is the same in a run that begins there.

    MXNet's random state can't be read. Seeding takes about 1 ms (each of 1,024 generators), so `fit` does it
    only for networks that draw.
    """
    (drawn,) = np.random.SeedSequence([seed, step, worker]).generate_state(1)
    mx.random.seed(int(drawn) >> 1)  # MXNet takes 31 bits
