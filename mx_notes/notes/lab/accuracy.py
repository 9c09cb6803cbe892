"""Accuracies of repeated trials as the claims show them: in per cent, with their 95% intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import figures
from .intervals import Interval, interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def percent(accuracies: Sequence[float]) -> str:
    """Their mean and the half width of its interval: "96.3 ± 0.4"."""
    i = interval(accuracies)
    return f"{100 * i.mean:.1f} ± {100 * (i.high - i.mean):.1f}"


def points(difference: Interval) -> str:
    """A difference of accuracies in percentage points: "+1.2 [+0.5, +1.9]"."""
    ends = difference.mean, difference.low, difference.high
    mean, low, high = (f"{round(100 * end, 1) + 0.0:+.1f}" for end in ends)  # + 0.0: no "-0.0"
    return f"{mean} [{low}, {high}]"


def whiskers(axes: Axes, x: Sequence[float], intervals: Sequence[Interval], index: int, **settings) -> None:
    """Means, in per cent, with their intervals as error bars at `x`, in colour `index`."""
    means = np.array([i.mean for i in intervals])
    halves = np.array([i.high for i in intervals]) - means
    settings = {"fmt": figures.MARKERS[index % 6], "ms": 5, "capsize": 3, **settings}
    axes.errorbar(x, 100 * means, yerr=100 * halves, color=figures.COLOURS[index % 6], **settings)
