"""Trainings on real digits that take a second or two, so that a claim can afford several seeds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

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


def train(net: mx.gluon.HybridBlock, split: Split, *, seed: int, **settings: Any) -> Curve:
    """Train one network; settings: as of `train_side_by_side`."""
    return train_side_by_side(net, [split], seeds=[seed], **settings)[0]


def train_side_by_side(
    net: mx.gluon.HybridBlock,
    parts: Sequence[Split],
    *,
    seeds: Sequence[int],
    epochs: int,
    batch_size: int = 64,
    rate: float | Callable[[float], float] = 0.1,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    augment: Callable[[np.ndarray, np.random.Generator, float], np.ndarray] | None = None,
    initializer: mx.init.Initializer | None = None,
    score_each_epoch: bool = True,
) -> list[Curve]:
    """Train networks that are built side by side, each on its part: SGD with momentum on its batches' mean cross-entropy.

    On 8×8 images an operator takes longer to call than to compute, so that six networks cost about as much as two.

    net: not initialised yet. parts: as large as each other. rate: the learning rate, or a function that gives it for
    the fraction of the training done (0 to 1). augment: (images, generator, fraction of the training done) -> images,
    called on each batch. A network's seed decides the order of its examples and its augmentation; all starts are drawn
    from the first. An epoch leaves out a short last batch. Without `score_each_epoch` the networks are scored after
    the last one only, which takes half the time where there are few images to train on.
    """
    seed_everything(seeds[0])
    net.initialize(initializer or mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2))
    net.hybridize(static_alloc=True)
    trainer = mx.gluon.Trainer(
        net.collect_params(), "sgd", {"learning_rate": 0.0, "momentum": momentum, "wd": weight_decay}
    )
    generators = [np.random.default_rng([seed, 8]) for seed in seeds]
    examples = len(parts[0].train_labels)
    batch_size = min(batch_size, examples)
    steps = examples // batch_size
    curves, losses = [Curve() for _ in parts], []
    for epoch in range(epochs):
        orders = [
            rng.permutation(examples)[: steps * batch_size].reshape(steps, batch_size) for rng in generators
        ]
        began = time.perf_counter()
        for step, chosen in enumerate(zip(*orders, strict=True)):
            done = (epoch * steps + step) / (epochs * steps)
            batches = [part.train_images[own] for part, own in zip(parts, chosen, strict=True)]
            if augment is not None:
                batches = [augment(batch, rng, done) for batch, rng in zip(batches, generators, strict=True)]
            labels = [part.train_labels[own] for part, own in zip(parts, chosen, strict=True)]
            trainer.set_learning_rate(rate(done) if callable(rate) else rate)
            losses.append(update(net, trainer, np.concatenate(batches, axis=1), np.stack(labels, axis=1)))
        mx.nd.waitall()
        spent = time.perf_counter() - began
        for curve in curves:
            curve.seconds += spent / len(curves)
        if not score_each_epoch and epoch < epochs - 1:
            continue
        trained = score_side_by_side(net, [(part.train_images, part.train_labels) for part in parts])
        tested = score_side_by_side(net, [(part.test_images, part.test_labels) for part in parts])
        for curve, (loss, accuracy), (_, test_accuracy) in zip(curves, trained, tested, strict=True):
            curve.train_loss.append(loss)
            curve.train_accuracy.append(accuracy)
            curve.test_accuracy.append(test_accuracy)
    for curve, of_steps in zip(curves, mx.nd.stack(*losses).asnumpy().T.tolist(), strict=True):
        curve.step_loss = of_steps
    return curves


def update(
    net: mx.gluon.HybridBlock, trainer: mx.gluon.Trainer, images: np.ndarray, labels: np.ndarray
) -> mx.nd.NDArray:
    """Make one step on the mean cross-entropy of a batch; returns that loss from before the step.

    images: (batch, networks, height, width); labels: (batch, networks), or (batch,) of one network. The loss is
    (networks,), and each network descends along its own.
    """
    with mx.autograd.record():
        scores = net(mx.nd.array(images)).reshape((labels.size, -1))
        loss = cross_entropy(scores, mx.nd.array(labels.ravel())).reshape((len(labels), -1)).mean(axis=0)
    loss.backward()
    trainer.step(1)  # the loss is a mean already
    return loss


def score(net: mx.gluon.HybridBlock, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The mean cross-entropy (nats) and the accuracy of a net in inference mode."""
    return score_side_by_side(net, [(images, labels)])[0]


def score_side_by_side(
    net: mx.gluon.HybridBlock, parts: Sequence[tuple[np.ndarray, np.ndarray]]
) -> list[tuple[float, float]]:
    """Score networks side by side, each on its own images and labels: mean cross-entropy (nats) and accuracy of each."""
    mx.nd.waitall()
    found = []
    for log_p, (_, labels) in zip(
        log_probabilities(net, [images for images, _ in parts]), parts, strict=True
    ):
        chosen = log_p[np.arange(len(labels)), labels]
        found.append((float(-chosen.mean()), float((log_p.argmax(1) == labels).mean())))
    return found


def log_probabilities(net: mx.gluon.HybridBlock, images: Sequence[np.ndarray]) -> np.ndarray:
    """Take the classes' log-probabilities of networks side by side, in inference mode: (networks, images, classes)."""
    scores = net(mx.nd.array(np.concatenate(images, axis=1))).reshape((len(images[0]), len(images), -1))
    return scores.log_softmax().asnumpy().swapaxes(0, 1)
