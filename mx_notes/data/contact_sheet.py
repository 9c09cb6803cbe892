"""A look at the data: a few training examples of each class, in one figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .dataset import Dataset

NAME = "examples.png"
CLASSES = 25  # rows: the first classes
EXAMPLES = 8  # columns
LONGEST = 24  # characters of a class's name
GAP = 1 / 16  # of an image's edge


def draw(data: Dataset, path: Path) -> None:
    """Draw the first examples of each of the first classes to a PNG, as the network gets them but for their scale.

    Raises OSError.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = range(min(len(data.classes), CLASSES))
    _, height, width = data.shape
    gap = max(1, round(height * GAP))
    sheet = np.ones((len(rows) * (height + gap) - gap, EXAMPLES * (width + gap) - gap, 3), np.float32)
    for row in rows:
        members = np.flatnonzero(data.train.labels == row)[:EXAMPLES]
        if len(members):
            for column, image in enumerate(_shown(data.train.pixels(members), data.white)):
                top, left = row * (height + gap), column * (width + gap)
                sheet[top : top + height, left : left + width] = image
    names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in data.classes]
    figure = Figure(figsize=(8, 0.6 + 0.8 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.imshow(sheet, interpolation="nearest")
    middles = [row * (height + gap) + height / 2 for row in rows]
    axes.set_yticks(middles, [names[row] for row in rows], parse_math=False)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    of = (
        f"the first {len(rows)} of {len(data.classes)} classes"
        if len(rows) < len(data.classes)
        else "each class"
    )
    axes.set_title(f"training examples of {of}", fontsize=10)
    figure.savefig(path, dpi=100, format="png")


def _shown(images: np.ndarray, white: float) -> np.ndarray:
    """(n, H, W, 3) from 0 to 1 of images (n, C, H, W): the first three channels, or the first as grey."""
    pixels = images[:, : 3 if images.shape[1] >= 3 else 1].astype(np.float32)
    low, high = (0, white) if white else (pixels.min(), pixels.max())
    pixels = np.clip((pixels - low) / max(high - low, 1e-9), 0, 1).transpose(0, 2, 3, 1)
    return np.broadcast_to(pixels, (*pixels.shape[:3], 3))
