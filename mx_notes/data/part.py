"""A part of a data set in memory, checked before MXNet gets it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import UserError
from .plan import Plan

CHUNK = 4096  # images whose moments are taken at a time, in float64


@dataclass(frozen=True)
class Part:
    """images: (N, C, H, W), uint8 or float32; labels: (N,) int32."""

    images: np.ndarray
    labels: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return self.images.shape[1:]

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each channel, (C,) float32; the latter 1 where it is 0."""
        total, squares = 0.0, 0.0
        images = self.images
        for chunk in np.array_split(images, max(1, len(images) // CHUNK)):
            total = total + chunk.sum(axis=(0, 2, 3), dtype=np.float64)
            squares = squares + np.square(chunk, dtype=np.float64).sum(axis=(0, 2, 3))
        count = images.size / images.shape[1]
        return deviations(total / count, squares / count)

    def pixels(self, numbers: np.ndarray) -> np.ndarray:
        """Copy the images of these numbers, (n,), as they are: (n, C, H, W)."""
        return self.images[numbers]

    def batches(
        self, plan: Plan, epoch: int, start: int, mean: np.ndarray, std: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Normalised images, (n, C, H, W) float32, and labels, (n,), of this worker's share of each batch.

        start: the batch (from 0) to begin with.
        """
        order = plan.order(epoch)
        for batch in range(start, plan.steps):
            examples = order[batch * plan.batch_size :][plan.own(batch)]
            yield normalised(self.images[examples], mean, std), self.labels[examples]

    def check(self, where: str, shape: tuple[int, ...], classes: int) -> None:
        """Raise UserError, naming example and value, for data on which MXNet would train in silence.

        That is: images and labels of different counts, images of another shape than `shape`, labels outside the
        classes, NaN or infinite pixels. where: the part's name in the message.
        """
        self._check_shapes(where, shape)
        _check_labels(self.labels, where, classes)
        _check_pixels(self.images, where)

    def _check_shapes(self, where: str, shape: tuple[int, ...]) -> None:
        if len(self.images) != len(self.labels):
            raise UserError(f"{where}: {len(self.images)} images but {len(self.labels)} labels")
        if not len(self.labels):
            raise UserError(f"{where}: no examples; set another fraction by --set validation=")
        if len(shape) != 3 or self.shape != shape:
            raise UserError(
                f"{where}: images of shape {self.shape}, expected (C, H, W) as in training, {shape}"
            )


def normalised(images: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Copy images, (N, C, H, W), as float32 with each channel's mean, (C,), taken off and divided by its std."""
    images = images.astype(np.float32)
    images -= mean[:, None, None]
    images /= std[:, None, None]
    return images


def deviations(mean: np.ndarray, mean_square: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation, float32, from the float64 moments; 1 where the deviation is 0."""
    std = np.sqrt(np.maximum(mean_square - mean**2, 0))
    return mean.astype(np.float32), np.where(std > 0, std, 1).astype(np.float32)


def _check_labels(labels: np.ndarray, where: str, classes: int) -> None:
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise UserError(
            f"{where}: {labels.dtype} labels of shape {labels.shape}, expected whole numbers, (N,)"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise UserError(
            f"{where}: label {labels[wrong[0]]} of example {wrong[0]} (from 0) is outside the {classes}"
            f" classes, 0 to {classes - 1}"
        )


def _check_pixels(images: np.ndarray, where: str) -> None:
    if images.dtype == np.uint8:
        return
    for example, image in enumerate(images):
        finite = np.isfinite(image)
        if not finite.all():
            raise UserError(
                f"{where}: pixel {image[~finite][0]} in image {example} (from 0), not a finite number"
            )
