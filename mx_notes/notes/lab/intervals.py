"""Means with confidence intervals, and what a difference between two ways of training may be said to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


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
        """Whether all of the interval is above 0."""
        return self.low > 0

    @property
    def below_zero(self) -> bool:
        """Whether all of the interval is below 0."""
        return self.high < 0


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
