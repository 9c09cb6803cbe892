"""Means over trials with their confidence intervals, and how a claim prints them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy import stats

Key = TypeVar("Key")


@dataclass(frozen=True)
class Interval:
    """A mean over trials with its confidence interval (Student's t, two-sided)."""

    mean: float
    low: float
    high: float
    trials: int

    def __str__(self) -> str:
        return f"{self.mean:.4g} [{self.low:.4g}, {self.high:.4g}]"

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low > 0

    @property
    def below_zero(self) -> bool:
        """Whether the whole interval lies below 0."""
        return self.high < 0

    def exp(self) -> Interval:
        """Turn the interval of a mean logarithm into the interval of the geometric mean."""
        return Interval(*map(float, np.exp([self.mean, self.low, self.high])), self.trials)


def interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of independent trials and its confidence interval; infinite for fewer than two trials."""
    values = np.asarray(values, dtype=float)
    mean, n = float(values.mean()), len(values)
    if n < 2:
        return Interval(mean, -np.inf, np.inf, n)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def difference(a: Sequence[float], b: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of a - b over trials paired by seed (same split, same start), with its interval."""
    return interval(np.subtract(a, b), confidence)


def sides(intervals: Mapping[Key, Interval], limit: float) -> tuple[list[Key], list[Key]]:
    """Name the intervals that lie above the limit, and those that lie below; the others are undecided."""
    above = [key for key, i in intervals.items() if i.low > limit]
    below = [key for key, i in intervals.items() if i.high < limit]
    return above, below


def percent(accuracies: Sequence[float]) -> str:
    """Print the mean of accuracies and the half width of its interval in per cent: "96.3 ± 0.4"."""
    i = interval(accuracies)
    return f"{100 * i.mean:.1f} ± {100 * (i.high - i.mean):.1f}"


def points(difference: Interval, decimals: int = 1) -> str:
    """Print a difference of accuracies in percentage points: "+1.2 [+0.5, +1.9]"."""
    ends = difference.mean, difference.low, difference.high
    # + 0.0: no "-0.0"
    mean, low, high = (f"{round(100 * end, decimals) + 0.0:+.{decimals}f}" for end in ends)
    return f"{mean} [{low}, {high}]"
