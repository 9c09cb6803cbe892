"""Whether a network trains faster with batch norm: steps to a given loss, over learning rates and seeds."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from ...runtime import mx
from ..claim import Figure, Setting, Table
from . import figures, small
from .intervals import Interval, difference

DEPTH, CHANNELS = 6, 16  # 3×3 convolutions
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
QUICK_RATES = (0.01, 0.1, 1.0)
TARGET, SMOOTHED = 0.3, 9  # reached when the mean loss of so many steps falls below it (nats)
NAMES = ("without", "with batch norm")


@dataclass(frozen=True)
class Speed:
    """Trials at every rate, by which each network's rate was chosen, and fresh ones at the chosen rates.

    The lists are in the order of NAMES.
    """

    rates: tuple[float, ...]
    steps: list[np.ndarray]  # to the target, (seeds, rates)
    accuracy: list[np.ndarray]  # on the test images after the last epoch, (seeds, rates)
    best: list[float]  # the rate of the fewest steps
    fresh: list[list[int]]  # steps to the target at that rate, by seeds that chose nothing
    epochs: int

    @property
    def saved(self) -> Interval:
        """The steps that batch norm saves, each network at its best rate."""
        return difference(*self.fresh)

    def numbers(self) -> dict:
        """For the evidence."""
        return {
            "learning_rates": self.rates,
            "steps_to_target_by_seed_and_rate": dict(
                zip(NAMES, map(np.ndarray.tolist, self.steps), strict=True)
            ),
            "test_accuracy_by_seed_and_rate": dict(
                zip(NAMES, map(np.ndarray.tolist, self.accuracy), strict=True)
            ),
            "best_rate": dict(zip(NAMES, self.best, strict=True)),
            "steps_to_target_at_best_rate": dict(zip(NAMES, self.fresh, strict=True)),
            "steps_saved": asdict(self.saved),
        }

    def table(self) -> Table:
        """Means by learning rate."""
        columns = zip(*(a.mean(0) for a in (*self.steps, *self.accuracy)), strict=True)
        return Table(
            f"Steps until the loss is below {TARGET}, and test accuracy after {self.epochs} epochs, without and "
            "with batch norm, by learning rate",
            ("rate", "steps without", "with", "accuracy without", "with"),
            [(rate, *map(float, values)) for rate, values in zip(self.rates, columns, strict=True)],
        )

    def figure(self) -> Figure:
        """Both against the learning rate."""
        drawing, (above, below) = figures.new(2, height=2.7)
        for index, name in enumerate(NAMES):
            figures.band(above, self.rates, self.steps[index], index, name)
            figures.band(below, self.rates, self.accuracy[index], index, name)
        above.set(xscale="log", xlabel="learning rate", ylabel=f"steps to a loss of {TARGET}", ylim=(0, None))
        below.set(xscale="log", xlabel="learning rate", ylabel="test accuracy", ylim=(0, 1.03))
        figures.legend(below, loc="lower left")
        caption = (
            f"Networks of {DEPTH} convolutions with and without batch norm by learning rate, mean of the seeds with "
            "95% interval. Top: steps until the training loss is below the target; never counts as all the steps. "
            f"Bottom: test accuracy after {self.epochs} epochs."
        )
        return Figure.of(drawing, caption)


def compare(setting: Setting) -> Speed:
    """Choose each network's rate on some seeds; compare at the chosen rates on others."""
    rates, epochs = (QUICK_RATES, 4) if setting.quick else (RATES, 8)
    choosing = [1000 + seed for seed in setting.seeds(5, quick=2)]
    steps, accuracy, best, fresh = [], [], [], []
    for with_batch_norm in (False, True):
        trials = np.array(
            [[trial(with_batch_norm, rate, epochs, seed) for rate in rates] for seed in choosing]
        )
        steps.append(trials[..., 0])
        accuracy.append(trials[..., 1])
        best.append(rates[int(trials[..., 0].mean(0).argmin())])
        fresh.append(
            [trial(with_batch_norm, best[-1], epochs, seed)[0] for seed in setting.seeds(5, quick=3)]
        )
    return Speed(rates, steps, accuracy, best, fresh, epochs)


def trial(with_batch_norm: bool, rate: float, epochs: int, seed: int) -> tuple[int, float]:
    """Train on digits: steps to the target, and test accuracy after the last epoch."""
    net = convolutions(with_batch_norm)
    curve = small.train(net, small.digits(seed), epochs=epochs, seed=seed, rate=rate)
    return steps_to_target(curve.step_loss), curve.test_accuracy[-1]


def steps_to_target(losses: list[float]) -> int:
    """How many steps until the mean of the latest SMOOTHED losses is below TARGET; all if it never is."""
    means = np.convolve(losses, np.full(SMOOTHED, 1 / SMOOTHED), mode="valid")
    below = np.flatnonzero(means < TARGET)
    return int(below[0]) + SMOOTHED if len(below) else len(losses)


def convolutions(batch_norm: bool) -> mx.gluon.nn.HybridSequential:
    """DEPTH 3×3 convolutions with ReLU, each with batch norm or a bias, pooled twice; then the classes."""
    nn = mx.gluon.nn
    net = nn.HybridSequential()
    for layer in range(DEPTH):
        net.add(nn.Conv2D(CHANNELS, 3, padding=1, use_bias=not batch_norm))
        if batch_norm:
            net.add(nn.BatchNorm())
        net.add(nn.Activation("relu"))
        if layer in (1, 3):
            net.add(nn.MaxPool2D())
    net.add(nn.Dense(10))
    return net
