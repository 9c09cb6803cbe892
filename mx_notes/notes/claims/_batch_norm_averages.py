"""Batch norm's running mean and variance through a training, held against their recursion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import models
from ...runtime import mx
from ...training import seed_everything
from ..claim import Figure
from ..lab import figures, small_networks, splits
from ..lab.small_training import cross_entropy

MOMENTUM = 0.9  # MXNet's default, in Gluon and in Symbol
BATCH, PIXELS = 64, 8 * 8


@dataclass(frozen=True)
class Followed:
    """A batch norm layer's moments step by step: the batch's, and MXNet's running averages after the step.

    All of shape (steps, channels); variances are divided by the number of values.
    """

    batch_mean: np.ndarray
    batch_variance: np.ndarray
    running_mean: np.ndarray
    running_variance: np.ndarray

    def errors(self) -> dict[str, float]:
        """The largest differences of MXNet's averages from the recursion, relative to its largest value."""
        values = BATCH * PIXELS  # of a channel in a batch
        one_less = self.batch_variance * values / (values - 1)
        expected = {
            "mean": (self.running_mean, recursion(self.batch_mean, 0.0)),
            "variance": (self.running_variance, recursion(self.batch_variance, 1.0)),
            "variance, if divided by one less": (self.running_variance, recursion(one_less, 1.0)),
        }
        return {name: float(np.abs(a - b).max() / np.abs(b).max()) for name, (a, b) in expected.items()}

    def figure(self) -> Figure:
        """Draw a channel's batch moments, MXNet's running averages, and the recursion."""
        drawing, panels = figures.new(2, height=2.4)
        steps = np.arange(1, len(self.batch_mean) + 1)
        channel = int(np.ptp(self.running_mean, axis=0).argmax())  # the channel that moves most
        lines = (
            ("mean", self.batch_mean, self.running_mean, 0.0),
            ("variance", self.batch_variance, self.running_variance, 1.0),
        )
        for axes, (name, batch, running, start) in zip(panels, lines, strict=True):
            expected = recursion(batch, start)
            axes.plot(steps, batch[:, channel], ".", color=figures.COLOURS[1], label="of the batch")
            axes.plot(
                steps, running[:, channel], color=figures.COLOURS[4], lw=4, label="MXNet's running average"
            )
            axes.plot(steps, expected[:, channel], "--", color=figures.COLOURS[0], label="recursion")
            axes.set(xlabel="step", ylabel=name)
        figures.legend(panels[0])
        errors = self.errors()
        caption = (
            "Moments of a channel through training, by batch, and their running averages: r = 0.9 r + 0.1 × (of the "
            "batch), from mean 0 and variance 1. Over all channels and steps MXNet's differ from this by at most "
            f"{errors['mean']:.0e} of the largest mean and {errors['variance']:.0e} of the largest variance (of a "
            "batch's variance divided by the number of values, not one less)."
        )
        return Figure.of(drawing, caption)


def recursion(batch: np.ndarray, start: float) -> np.ndarray:
    """Average (steps, channels) by running = momentum × running + (1 - momentum) × batch, from `start` on."""
    running, found = np.full(batch.shape[1], start), []
    for of_batch in batch:
        running = MOMENTUM * running + (1 - MOMENTUM) * of_batch
        found.append(running)
    return np.array(found)


def follow(seed: int, steps: int) -> Followed:
    """Train a small network on digits and note its first batch norm layer's moments at each step."""
    split = splits.digits(seed)
    seed_everything(seed)
    net = small_networks.convolutional(batch_norm=True)
    net.initialize(models.initializer())
    convolution, batch_norm, rest = net[0], net[1], net[2:]
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    rows = []
    for images, labels in split.batches(np.random.default_rng([seed, 9]), steps, BATCH):
        with mx.autograd.record():
            before = convolution(mx.nd.array(images))
            loss = cross_entropy(rest(batch_norm(before)), mx.nd.array(labels)).mean()
        loss.backward()
        trainer.step(1)
        mx.nd.waitall()
        values = before.asnumpy().astype(float)
        running = [p.data().asnumpy() for p in (batch_norm.running_mean, batch_norm.running_var)]
        rows.append((values.mean((0, 2, 3)), values.var((0, 2, 3)), *running))
    return Followed(*map(np.array, zip(*rows, strict=True)))
