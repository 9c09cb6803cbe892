"""Running averages read straight after a step, before MXNet's engine has written them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ... import models
from ...runtime import mx
from ...training import seed_everything
from ..claim import Table
from ..lab import splits
from ..lab.small_training import update

BATCH = 64
MODEL, SHAPE = "cifar_resnet20_v1", (1, 8, 8)  # it has 42 arrays of running averages

Arrays = dict[str, np.ndarray]
# A training's step, its reading of the running averages, and a reading that has all steps once the engine rests.
Watched = tuple[Callable[[], None], Callable[[], Arrays], Callable[[], Arrays]]


def count_stale_reads(seed: int, steps: int) -> dict[str, tuple[int, int]]:
    """Count the stale reads of a ResNet-20, by the way of reading: (stale, all) of each."""
    return {
        f"{way}{', after waitall' * wait}": stale_reads(*prepare(seed, 2 * steps), steps, wait)
        for way, prepare in (("Gluon, hybridised", gluon), ("Module.get_params", module))
        for wait in (False, True)
    }


def stale_reads(
    step: Callable[[], None],
    read: Callable[[], Arrays],
    settled: Callable[[], Arrays],
    steps: int,
    wait: bool,
) -> tuple[int, int]:
    """Count the arrays that, read straight after a step, lack that step's update; and all arrays read.

    wait: call `mx.nd.waitall()` between step and read.
    """
    stale = total = 0
    for _ in range(steps):
        step()
        if wait:
            mx.nd.waitall()
        early = read()
        mx.nd.waitall()
        late = settled()
        stale += sum(not np.array_equal(early[name], late[name]) for name in early)
        total += len(early)
    return stale, total


def gluon(seed: int, steps: int) -> Watched:
    """Prepare a hybridised Gluon network with static memory, for at most `steps` steps."""
    seed_everything(seed)
    net = models.build(MODEL, 10, SHAPE)
    net.initialize(models.initializer())
    net.hybridize(static_alloc=True, static_shape=True)
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05})
    batches = splits.digits(seed).batches(np.random.default_rng([seed, 9]), steps, BATCH)

    def step() -> None:
        update(net, trainer, *next(batches))

    def read() -> Arrays:
        return {n: p.data().asnumpy() for n, p in net.collect_params(".*running.*").items()}

    return step, read, read


def module(seed: int, steps: int) -> Watched:
    """Prepare a Module, for at most `steps` steps.

    `get_params` keeps what it has read until the next update: the settled values are read off the executor.
    """
    seed_everything(seed)
    trained = mx.mod.Module(models.mean_cross_entropy(models.build(MODEL, 10, SHAPE)))
    trained.bind([("data", (BATCH, *SHAPE))], [("softmax_label", (BATCH,))])
    trained.init_params(models.initializer())
    trained.init_optimizer(optimizer="sgd", optimizer_params={"learning_rate": 0.05, "rescale_grad": 1.0})
    batches = splits.digits(seed).batches(np.random.default_rng([seed, 9]), steps, BATCH)

    def step() -> None:
        images, labels = map(mx.nd.array, next(batches))
        trained.forward_backward(mx.io.DataBatch([images], [labels]))
        trained.update()

    def read() -> Arrays:
        return {n: a.asnumpy() for n, a in trained.get_params()[1].items()}

    def settled() -> Arrays:
        return {n: a.asnumpy() for n, a in trained._exec_group.execs[0].aux_dict.items()}

    return step, read, settled


def stale_table(counts: dict[str, tuple[int, int]]) -> Table:
    """Show how many reads came too early."""
    return Table(
        "Running averages read straight after a step of ResNet-20 (by timing: not the same in every run)",
        ("read by", "without the step", "of"),
        [(way, *of_way) for way, of_way in counts.items()],
    )
