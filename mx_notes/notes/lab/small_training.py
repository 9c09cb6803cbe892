"""Trainings on real digits that take a second or two, so that a claim can afford several seeds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ...runtime import mx
from ...training import seed_everything
from .splits import Split

cross_entropy = mx.gluon.loss.SoftmaxCrossEntropyLoss()  # of each example, from scores and labels


@dataclass
class Curve:
    """The course of a training: the loss of each step, the losses and accuracies after each epoch.

    After an epoch the network is scored in inference mode.
    """

    step_loss: list[float] = field(default_factory=list)  # mean loss of each batch, before its update
    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    seconds: float = 0.0  # spent on steps, without the scoring

    def steps_to(self, loss: float, window: int) -> int:
        """Count the steps until the mean loss of the latest `window` is below `loss`; all of them if it never is."""
        means = np.convolve(self.step_loss, np.full(window, 1 / window), mode="valid")
        below = np.flatnonzero(means < loss)
        return int(below[0]) + window if len(below) else len(self.step_loss)


def train(
    net: mx.gluon.HybridBlock,
    split: Split,
    *,
    epochs: int,
    seed: int,
    batch_size: int = 64,
    rate: float | Callable[[float], float] = 0.1,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    augment: Callable[[np.ndarray, np.random.Generator, float], np.ndarray] | None = None,
    initializer: mx.init.Initializer | None = None,
    score_each_epoch: bool = True,
) -> Curve:
    """Train a Gluon net that is not initialised yet: SGD with momentum on the mean cross-entropy of a batch.

    rate: the learning rate, or a function that gives it for the fraction of the training done (0 to 1).
    augment: (images, generator, fraction of the training done) -> images, called on each batch.
    The seed decides the start, the order of the examples and the augmentation. An epoch leaves out a
    short last batch. Without `score_each_epoch` the network is scored after the last one only, which takes half
    the time where there are few images to train on.
    """
    seed_everything(seed)
    net.initialize(initializer or mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2))
    net.hybridize(static_alloc=True)
    trainer = mx.gluon.Trainer(
        net.collect_params(), "sgd", {"learning_rate": 0.0, "momentum": momentum, "wd": weight_decay}
    )
    rng = np.random.default_rng([seed, 8])
    batch_size = min(batch_size, len(split.train_labels))
    steps = len(split.train_labels) // batch_size
    curve, losses = Curve(), []
    for epoch in range(epochs):
        order = rng.permutation(len(split.train_labels))[: steps * batch_size].reshape(steps, batch_size)
        began = time.perf_counter()
        for step, chosen in enumerate(order):
            done = (epoch * steps + step) / (epochs * steps)
            images = split.train_images[chosen]
            if augment is not None:
                images = augment(images, rng, done)
            trainer.set_learning_rate(rate(done) if callable(rate) else rate)
            losses.append(update(net, trainer, images, split.train_labels[chosen]))
        mx.nd.waitall()
        curve.seconds += time.perf_counter() - began
        if not score_each_epoch and epoch < epochs - 1:
            continue
        loss, accuracy = score(net, split.train_images, split.train_labels)
        curve.train_loss.append(loss)
        curve.train_accuracy.append(accuracy)
        curve.test_accuracy.append(score(net, split.test_images, split.test_labels)[1])
    curve.step_loss = mx.nd.concat(*losses, dim=0).asnumpy().tolist()
    return curve


def update(
    net: mx.gluon.HybridBlock, trainer: mx.gluon.Trainer, images: np.ndarray, labels: np.ndarray
) -> mx.nd.NDArray:
    """Make one step on the mean cross-entropy of a batch; returns that loss (1,), from before the step."""
    with mx.autograd.record():
        loss = cross_entropy(net(mx.nd.array(images)), mx.nd.array(labels)).mean()
    loss.backward()
    trainer.step(1)  # the loss is a mean already
    return loss


def score(net: mx.gluon.HybridBlock, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The mean cross-entropy (nats) and the accuracy of a net in inference mode."""
    mx.nd.waitall()
    log_p = net(mx.nd.array(images)).log_softmax().asnumpy()
    chosen = log_p[np.arange(len(labels)), labels]
    return float(-chosen.mean()), float((log_p.argmax(1) == labels).mean())
