"""One look for all figures: legible at a phone's width, safe for colour-blind eyes, on light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .intervals import Interval, interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, without its black and its yellow, which vanish on a dark or a light page.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
MARKERS = "osD^vP"
INK = "#808080"  # text and axes: read on white and on black


def new(panels: int = 1, height: float = 3.2) -> tuple[Figure, list[Axes]]:
    """Begin a figure of panels below each other, as wide as a phone shows without shrinking its text.

    height: of a panel, in inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, height * panels), layout="constrained", facecolor="none")
    FigureCanvasAgg(figure)
    axes = list(np.atleast_1d(figure.subplots(panels, 1)))
    for each in axes:
        each.set_facecolor("none")
        each.grid(alpha=0.3)
        each.set_axisbelow(True)  # no grid over bars and bands
        each.tick_params(which="both", colors=INK, labelsize=10)
        for part in (each.xaxis.label, each.yaxis.label, each.title):
            part.set_color(INK)
            part.set_fontsize(11)
        for spine in each.spines.values():
            spine.set_color(INK)
    return figure, axes


def epochs(axes: Axes) -> None:
    """Count epochs along the lower axis, in whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def legend(axes: Axes, **settings) -> None:
    """Draw a legend in the page's ink."""
    axes.legend(labelcolor=INK, frameon=False, fontsize=9, **settings)


def legend_above(axes: Axes, columns: int) -> None:
    """Draw a legend over the axes, where it can lie on no line; the axes have no title then."""
    legend(axes, ncols=columns, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.3)


def band(axes: Axes, x, trials, index: int, label: str | None = None, geometric: bool = False) -> None:
    """Draw the mean of `trials` (trials, len(x)) as a line, with its 95% interval as a band, in colour `index`.

    geometric: take the mean and the interval of the logarithms.
    """
    trials = np.asarray(trials, dtype=float)
    if geometric:
        intervals = [interval(np.log(column)).exp() for column in trials.T]
    else:
        intervals = [interval(column) for column in trials.T]
    axes.plot(x, [i.mean for i in intervals], color=COLOURS[index], marker=MARKERS[index], ms=4, label=label)
    if len(trials) > 1:
        low, high = [i.low for i in intervals], [i.high for i in intervals]
        axes.fill_between(x, low, high, color=COLOURS[index], alpha=0.2, lw=0)


def whiskers(axes: Axes, x: Sequence[float], intervals: Sequence[Interval], index: int, **settings) -> None:
    """Draw means of accuracies at `x` in per cent, with their intervals as error bars, in colour `index`."""
    means = np.array([i.mean for i in intervals])
    halves = np.array([i.high for i in intervals]) - means
    settings = {"fmt": MARKERS[index], "ms": 5, "capsize": 3, **settings}
    axes.errorbar(x, 100 * means, yerr=100 * halves, color=COLOURS[index], **settings)
