"""Compare how fast a network trains with and without batch norm: steps to a given loss, by rate and seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..claim import Figure, Setting, Table
from ..lab import figures, small_networks, splits
from ..lab.intervals import Interval, difference
from ..lab.small_training import train

DEPTH, CHANNELS, POOLED_AFTER = 6, 16, (2, 4)  # 3×3 convolutions
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
QUICK_RATES = (0.01, 0.1, 1.0)
TARGET, SMOOTHED = 0.3, 9  # a training is there when the mean loss (nats) of 9 steps falls below 0.3
NAMES = ("without", "with batch norm")


@dataclass(frozen=True)
class Speed:
    """Trials at every rate, which chose each network's rate, and fresh trials at the chosen rates.

    The lists are in the order of NAMES.
    """

    rates: tuple[float, ...]
    steps: list[np.ndarray]  # to the target, (seeds, rates)
    accuracy: list[np.ndarray]  # on the test images after the last epoch, (seeds, rates)
    best: list[float]  # the rate with the fewest steps
    fresh: list[list[int]]  # steps to the target at the best rate, with seeds that chose nothing
    epochs: int

    @property
    def saved(self) -> Interval:
        """Steps without batch norm minus steps with it, each network at its best rate."""
        return difference(*self.fresh)

    def numbers(self) -> dict:
        """Name everything for the evidence."""
        by_network = {
            "steps_to_target_by_seed_and_rate": self.steps,
            "test_accuracy_by_seed_and_rate": self.accuracy,
            "best_rate": self.best,
            "steps_to_target_at_best_rate": self.fresh,
        }
        return {
            "learning_rates": self.rates,
            **{name: dict(zip(NAMES, both, strict=True)) for name, both in by_network.items()},
            "steps_saved": self.saved,
        }

    def table(self) -> Table:
        """Show the means by learning rate."""
        columns = zip(*(a.mean(0) for a in (*self.steps, *self.accuracy)), strict=True)
        return Table(
            f"Steps until the loss is below {TARGET}, and test accuracy after {self.epochs} epochs, without and "
            "with batch norm, by learning rate",
            ("rate", "steps without", "with", "accuracy without", "with"),
            [(rate, *map(float, values)) for rate, values in zip(self.rates, columns, strict=True)],
        )

    def figure(self) -> Figure:
        """Draw steps and accuracy against the learning rate."""
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


def compare_speed(setting: Setting) -> Speed:
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
    """Train on digits; returns the steps to the target, and test accuracy after the last epoch."""
    net = small_networks.convolutional((CHANNELS,) * DEPTH, with_batch_norm, POOLED_AFTER)
    curve = train(net, splits.digits(seed), epochs=epochs, seed=seed, rate=rate)
    return curve.steps_to(TARGET, SMOOTHED), curve.test_accuracy[-1]
