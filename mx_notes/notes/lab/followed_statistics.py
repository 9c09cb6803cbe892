"""Batch norm's running mean and variance through training: their recursion, and reads that come too early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ... import models
from ...runtime import mx
from ...training import seed_everything
from . import small

MOMENTUM = 0.9  # MXNet's default, in Gluon and in Symbol
BATCH = 64
MODEL, SHAPE = "cifar_resnet20_v1", (1, 8, 8)  # where stale reads are counted: it has 42 arrays

Arrays = dict[str, np.ndarray]


@dataclass
class Followed:
    """A batch norm layer through training, by step: what a batch has, and MXNet's running average after it.

    All of shape (steps, channels); variances are divided by the number of values.
    """

    batch_mean: np.ndarray
    batch_variance: np.ndarray
    running_mean: np.ndarray
    running_variance: np.ndarray


def recursion(batch: np.ndarray, start: float, momentum: float = MOMENTUM) -> np.ndarray:
    """running = momentum running + (1 - momentum) batch, from `start`, for each step: (steps, channels)."""
    running, found = np.full(batch.shape[1], start), []
    for of_batch in batch:
        running = momentum * running + (1 - momentum) * of_batch
        found.append(running)
    return np.array(found)


def follow(seed: int, steps: int) -> Followed:
    """Train a small network on digits and write down its first batch norm layer's statistics at each step."""
    split = small.digits(seed)
    seed_everything(seed)
    net = small.convolutional(batch_norm=True)
    net.initialize(models.initializer())
    convolution, batch_norm, rest = net[0], net[1], net[2:]
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    rows = []
    for images, labels in batches(split, seed, steps):
        with mx.autograd.record():
            before = convolution(images)
            loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()(rest(batch_norm(before)), labels).mean()
        loss.backward()
        trainer.step(1)
        mx.nd.waitall()
        values = before.asnumpy().astype(float)
        running = [p.data().asnumpy() for p in (batch_norm.running_mean, batch_norm.running_var)]
        rows.append((values.mean((0, 2, 3)), values.var((0, 2, 3)), *running))
    return Followed(*map(np.array, zip(*rows, strict=True)))


def stale_reads(
    step: Callable[[], None],
    read: Callable[[], Arrays],
    settled: Callable[[], Arrays],
    steps: int,
    wait: bool,
) -> tuple[int, int]:
    """How many arrays, read straight after a step, lack that step's update; how many were read.

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


def count_stale_reads(seed: int, steps: int) -> dict[str, tuple[int, int]]:
    """`stale_reads` of a ResNet-20, by the way of reading."""
    return {
        f"{way}{', after waitall' * wait}": stale_reads(*prepare(seed, 2 * steps), steps, wait)
        for way, prepare in (("Gluon, hybridised", gluon), ("Module.get_params", module))
        for wait in (False, True)
    }


def gluon(seed: int, steps: int) -> tuple[Callable[[], None], Callable[[], Arrays], Callable[[], Arrays]]:
    """Step and read of a hybridised Gluon network with static memory."""
    seed_everything(seed)
    net = models.build(MODEL, 10, SHAPE)
    net.initialize(models.initializer())
    net.hybridize(static_alloc=True, static_shape=True)
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05})
    feed = batches(small.digits(seed), seed, steps)
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()

    def step() -> None:
        images, labels = next(feed)
        with mx.autograd.record():
            loss = loss_of(net(images), labels).mean()
        loss.backward()
        trainer.step(1)

    def read() -> Arrays:
        return {n: p.data().asnumpy() for n, p in net.collect_params(".*running.*").items()}

    return step, read, read


def module(seed: int, steps: int) -> tuple[Callable[[], None], Callable[[], Arrays], Callable[[], Arrays]]:
    """Step and read of a Module. `get_params` keeps what it has read until the next update, so that what has
    settled is read off the executor.
    """
    seed_everything(seed)
    trained = mx.mod.Module(models.mean_cross_entropy(models.build(MODEL, 10, SHAPE)))
    trained.bind([("data", (BATCH, *SHAPE))], [("softmax_label", (BATCH,))])
    trained.init_params(models.initializer())
    trained.init_optimizer(optimizer="sgd", optimizer_params={"learning_rate": 0.05, "rescale_grad": 1.0})
    feed = batches(small.digits(seed), seed, steps)

    def step() -> None:
        images, labels = next(feed)
        trained.forward_backward(mx.io.DataBatch([images], [labels]))
        trained.update()

    def read() -> Arrays:
        return {n: a.asnumpy() for n, a in trained.get_params()[1].items()}

    def settled() -> Arrays:
        return {n: a.asnumpy() for n, a in trained._exec_group.execs[0].aux_dict.items()}

    return step, read, settled


def batches(split: small.Split, seed: int, steps: int):
    """So many batches of images and labels, drawn at random."""
    rng = np.random.default_rng([seed, 9])
    for _ in range(steps):
        chosen = rng.choice(len(split.train_labels), BATCH, replace=False)
        yield mx.nd.array(split.train_images[chosen]), mx.nd.array(split.train_labels[chosen])
