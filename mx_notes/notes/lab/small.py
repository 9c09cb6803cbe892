"""Small trainings on real digits that take a second or two, so that a claim can afford several seeds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from ... import data
from ...runtime import mx
from ...training import seed_everything


@dataclass(frozen=True)
class Split:
    """Normalised images (N, 1, 8, 8) float32 and labels (N,) int32, for training and for testing."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    def fewer(self, examples: int) -> Split:
        """With only the first `examples` training images (they are in random order)."""
        return Split(
            self.train_images[:examples], self.train_labels[:examples], self.test_images, self.test_labels
        )


@dataclass
class Curve:
    """What a training run saw. Losses and accuracies of training are in inference mode, after the epoch."""

    step_loss: list[float] = field(default_factory=list)  # mean loss of each batch, before its update
    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    seconds: float = 0.0  # of the steps alone


@cache
def digits(seed: int) -> Split:
    """Scikit-learn's 1,797 real 8×8 scans, two thirds to train on and a third to test on, split by the seed."""
    whole = data.load("digits", seed=0)
    images = np.concatenate([p.images for p in (whole.train, whole.validation, whole.test)])
    labels = np.concatenate([p.labels for p in (whole.train, whole.validation, whole.test)])
    order = np.random.default_rng([seed, 1797]).permutation(len(labels))
    images, labels = whole.normalise(images[order]), labels[order].astype(np.int32)
    cut = len(labels) * 2 // 3
    return Split(images[:cut], labels[:cut], images[cut:], labels[cut:])


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
    each_epoch: Callable[[int], None] | None = None,
) -> Curve:
    """Train a Gluon net that is not initialised yet: SGD with momentum on the mean cross-entropy of a batch.

    rate: the learning rate, or it as a function of the fraction of the training done (0 to 1).
    augment: (images, generator, fraction of the training done) -> images, on each batch.
    The start, the order of the examples and the augmentation come from the seed. An epoch leaves out a
    short last batch.
    """
    seed_everything(seed)
    net.initialize(initializer or mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2))
    net.hybridize(static_alloc=True)
    trainer = mx.gluon.Trainer(
        net.collect_params(), "sgd", {"learning_rate": 0.0, "momentum": momentum, "wd": weight_decay}
    )
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
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
            label = mx.nd.array(split.train_labels[chosen])
            with mx.autograd.record():
                loss = loss_of(net(mx.nd.array(images)), label).mean()
            loss.backward()
            trainer.set_learning_rate(rate(done) if callable(rate) else rate)
            trainer.step(1)  # the loss is a mean already
            losses.append(loss)
        mx.nd.waitall()
        curve.seconds += time.perf_counter() - began
        loss, accuracy = score(net, split.train_images, split.train_labels)
        curve.train_loss.append(loss)
        curve.train_accuracy.append(accuracy)
        curve.test_accuracy.append(score(net, split.test_images, split.test_labels)[1])
        if each_epoch is not None:
            each_epoch(epoch)
    curve.step_loss = mx.nd.concat(*losses, dim=0).asnumpy().tolist()
    return curve


def score(net: mx.gluon.HybridBlock, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Mean cross-entropy (nats) and accuracy in inference mode."""
    mx.nd.waitall()
    log_p = net(mx.nd.array(images)).log_softmax().asnumpy()
    chosen = log_p[np.arange(len(labels)), labels]
    return float(-chosen.mean()), float((log_p.argmax(1) == labels).mean())


def convolutional(
    channels: int = 16, batch_norm: bool = False, classes: int = 10
) -> mx.gluon.nn.HybridSequential:
    """Two 3×3 convolutions, pooling and a linear layer: 98% on digits in a dozen epochs."""
    nn = mx.gluon.nn
    net = nn.HybridSequential()
    for width in (channels, 2 * channels):
        net.add(nn.Conv2D(width, 3, padding=1, use_bias=not batch_norm))
        if batch_norm:
            net.add(nn.BatchNorm())
        net.add(nn.Activation("relu"), nn.MaxPool2D())
    net.add(nn.Dense(classes))
    return net


def perceptron(
    *widths: int, activation: str | None = "relu", classes: int = 10
) -> mx.gluon.nn.HybridSequential:
    """Fully connected layers of these widths, each with the activation (None: linear), then the classes."""
    net = mx.gluon.nn.HybridSequential()
    for width in widths:
        net.add(mx.gluon.nn.Dense(width, activation=activation))
    net.add(mx.gluon.nn.Dense(classes))
    return net
