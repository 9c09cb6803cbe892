"""The start of a run: data loaded, network bound and initialised, random generators seeded."""

from __future__ import annotations

import os
import random
import warnings
from dataclasses import replace
from functools import partial

import numpy as np

from .. import data, models, runtime
from ..data import Augmentation, Dataset, strength
from ..errors import UserError
from ..models.faster import faster
from ..models.layers import frozen_layers, layers, with_still_statistics
from ..models.nodes import nodes
from ..parallel import DataParallel, TrainedModule
from ..parallel.workers import Workers
from ..recipes import Recipe, Schedule
from ..runtime import mx
from ..runtime.drawing import draws
from .run import Meter, Run


def start(recipe: Recipe, workers: Workers | None = None, dataset: Dataset | None = None) -> Run:
    """Load the data, bind the network on the recipe's device or devices and initialise it from the seed.

    dataset: your own, instead of the recipe's; workers: those of the job, if there is one; they do not wait for each other in here. Raises UserError
    for a recipe that cannot be trained on these devices, by so many workers, or without its data.
    """
    workers = workers or Workers()
    devices = runtime.contexts(recipe.device)
    if recipe.dtype == "float16" and any(device.device_type == "cpu" for device in devices):
        raise UserError("dtype=float16: MXNet multiplies float16 matrices on a GPU only; use dtype=float32")
    dataset = dataset or load_data(recipe)
    if dataset.resized:
        recipe = replace(recipe, image_size=dataset.shape[1])
    feed = dataset.training(
        recipe.batch_size,
        seed=recipe.seed,
        augmentation=Augmentation(recipe.reflect, recipe.translate, recipe.rotate, recipe.noise),
        strength=partial(strength, epochs=recipe.epochs, calm_epochs=recipe.calm_epochs),
        dtype=recipe.dtype,
        share=workers.share,
    )
    batch = recipe.batch_size
    if batch > feed.examples:
        raise UserError(f"batch_size={batch}: more than the {feed.examples} training images; use fewer")
    if batch < workers.count:
        raise UserError(
            f"a batch of {batch} for {workers.count} workers: each needs an example; use a larger batch_size"
        )
    symbol, module = bind(
        recipe, len(dataset.classes), dataset.shape, feed.steps, devices, workers, len(feed.plan.own(0))
    )
    return Run(recipe, dataset, symbol, module, feed, workers, meter=Meter(workers))


def load_data(recipe: Recipe) -> Dataset:
    """Load the recipe's data. Raises UserError as `data.load` does."""
    return data.load(
        recipe.data,
        data_dir=recipe.data_dir or None,
        validation=recipe.validation,
        seed=recipe.seed,
        image_size=recipe.image_size,
    )


def bind(
    recipe: Recipe,
    classes: int,
    shape: tuple[int, int, int],
    steps_per_epoch: int,
    devices: list[mx.Context],
    workers: Workers | None = None,
    own: int | None = None,
) -> tuple[mx.sym.Symbol, TrainedModule]:
    """Build the recipe's network with its loss, and a module that trains it, initialised from the seed.

    Returns the network as a symbol, and the module, whose own symbol is changed for speed: see `faster`.
    shape: (C, H, W) of an image; own: how many examples of a whole batch this worker has, by default all.
    """
    workers, own = workers or Workers(), own or recipe.batch_size
    if [device.device_type for device in devices] == ["cpu"]:
        runtime.use_threads(runtime.threads_for(own * shape[1] * shape[2]))
    seed_everything(recipe.seed)
    net = models.build(recipe.model, classes, shape)
    net.cast(recipe.dtype)
    symbol = models.mean_cross_entropy(net)
    frozen = {name for own in frozen_layers(symbol, recipe.freeze).values() for name in own}
    trained = faster(with_still_statistics(symbol, frozen), devices, shape)
    # What Gluon does not train, such as the first gamma of a ResNet v2, Module would.
    untrained = {name for name, p in net.collect_params().items() if p.grad_req == "null"}
    fixed = sorted((untrained | frozen).intersection(symbol.list_arguments()))
    if len(devices) == 1 and not workers.connected:
        module = TrainedModule(
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


def optimizer(recipe: Recipe, steps_per_epoch: int, module: TrainedModule) -> mx.optimizer.Optimizer:
    """Make SGD with the recipe's momentum: v = momentum v - lr (clip(g) + wd w), w = w + v.

    `rescale_grad` is 1 because the loss in the graph is already the mean over the batch. Weight decay
    leaves out biases and batch norm's beta, as MXNet does by default. The last layer's rate is `lr_head` times
    the others'.
    """
    sgd = mx.optimizer.SGD(
        lr_scheduler=Schedule(recipe, steps_per_epoch, base_lr=recipe.learning_rate),
        momentum=recipe.momentum,
        wd=recipe.weight_decay,
        clip_gradient=recipe.clip_gradient or None,
        rescale_grad=1.0,
        multi_precision=recipe.dtype == "float16",
        param_idx2name=dict(enumerate(module.parameter_names)),
        sym=module.symbol,
    )
    # Parameters that one operator updates: of small ones each call costs more than their arithmetic.
    if "MXNET_OPTIMIZER_AGGREGATION_SIZE" not in os.environ:
        largest = max((array.size for array in module.parameters()[0].values()), default=0)
        sgd.aggregate_num = 16 if largest < 1 << 16 else 4
    if recipe.lr_head != 1:
        *_, head = layers(module.symbol).values()
        sgd.set_lr_mult(dict.fromkeys(head, recipe.lr_head))
    return sgd


def seed_everything(seed: int) -> None:
    """Seed MXNet's, NumPy's and Python's generators (MXNet's initialisers draw from the first two)."""
    mx.random.seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def draws_numbers(symbol: mx.sym.Symbol) -> bool:
    """Whether the network has operators that draw random numbers, as Dropout does."""
    return any(draws(node.op, node.attributes) for node in nodes(symbol))


def seed_step(seed: int, step: int, worker: int = 0) -> None:
    """Seed the numbers that the network draws in this step: a run that begins there draws the same.

    MXNet's random state can't be read. Seeding takes about 1 ms (each of 1,024 generators), so `fit` does it
    only for networks that draw.
    """
    (drawn,) = np.random.SeedSequence([seed, step, worker]).generate_state(1)
    mx.random.seed(int(drawn) >> 1)  # MXNet takes 31 bits
