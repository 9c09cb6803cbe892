"""The mistakes of which a network was most certain, as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..checkpoint.network import Network

MOST = 25  # mistakes in a figure
LONGEST = 16  # characters of a class's name above an image


@dataclass(frozen=True)
class Mistake:
    """An example that the network takes for another class."""

    example: int  # its place in the part, from 0
    image: np.ndarray  # (C, H, W) float32, as the network gets it
    label: int
    predicted: int
    probability: float  # of the predicted class


def most_certain(
    mistakes: Sequence[Mistake], images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, first: int
) -> list[Mistake]:
    """Add a batch's mistakes, and keep the MOST of highest probability, the most certain first.

    images: (n, C, H, W); labels: (n,); probabilities: (n, classes); first: the place of the batch's first example.
    """
    predicted, highest = probabilities.argmax(axis=1), probabilities.max(axis=1)
    new = [
        Mistake(first + int(n), images[n], int(labels[n]), int(predicted[n]), float(highest[n]))
        for n in np.flatnonzero(predicted != labels)
    ]
    return sorted([*mistakes, *new], key=lambda mistake: -mistake.probability)[:MOST]


def draw(network: Network, mistakes: Sequence[Mistake], path: Path) -> None:
    """Draw the mistakes to a PNG, each with its true class, the predicted one and that one's probability."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(5, max(1, len(mistakes)))
    rows = max(1, -(-len(mistakes) // columns))
    figure = Figure(figsize=(1.9 * columns + 0.4, 2.3 * rows + 0.7), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(
        f"{network.recipe.model} on {network.data.name}: most certain mistakes"
        if mistakes
        else f"{network.recipe.model} on {network.data.name}: no mistake",
        fontsize=10,
        parse_math=False,
    )
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, mistake in zip(grid.flat, mistakes, strict=False):
        _show(axes, mistake.image * network.data.std[:, None, None] + network.data.mean[:, None, None])
        true, taken = (_short(network.data.classes[n]) for n in (mistake.label, mistake.predicted))
        axes.set_title(
            f"{true}, taken for\n{taken} ({mistake.probability:.0%}), no. {mistake.example}",
            fontsize=8,
            parse_math=False,
        )
    figure.savefig(path, dpi=120, format="png")


def _show(axes, pixels: np.ndarray) -> None:
    """Show an image (C, H, W): three channels as colours, others as their mean in grey."""
    if len(pixels) == 3:
        largest = 255 if pixels.max() > 1.5 else 1
        axes.imshow(np.clip(pixels.transpose(1, 2, 0) / largest, 0, 1))
    else:
        axes.imshow(pixels.mean(axis=0), cmap="gray")


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
