"""A data set in memory: three parts, and what the training part says of their scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from .augment import Augmentation

if TYPE_CHECKING:
    from .feed import Feed

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Part:
    """images: (N, C, H, W), uint8 or float32; labels: (N,) int32."""

    images: np.ndarray
    labels: np.ndarray


class Fed:
    """What feeds batches of its parts `train`, `validation` and `test`."""

    def training(
        self,
        batch_size: int,
        *,
        seed: int,
        augmentation: Augmentation | None = None,
        strength: Callable[[int], float] = lambda epoch: 1.0,
        dtype: str = "float32",
        share: tuple[int, int] = (0, 1),
    ) -> Feed:
        """The training part in a new order each epoch, augmented with `strength(epoch)`.

        share: the worker's number, and how many there are to divide each batch among.
        """
        return self._feed_type()(self, self.train, batch_size, dtype, seed, augmentation, strength, share)

    def evaluation(
        self, part: str, batch_size: int, dtype: str = "float32", share: tuple[int, int] = (0, 1)
    ) -> Feed:
        """The part "train", "validation" or "test" in order, as it is; share: as for `training`."""
        if part not in PARTS:
            raise ValueError(f"part {part!r}: expected one of {', '.join(PARTS)}")
        return self._feed_type()(self, getattr(self, part), batch_size, dtype, share=share)


@dataclass(frozen=True)
class Dataset(Fed):
    """Training, validation (chooses the best epoch) and test (scored once) parts."""

    name: str
    classes: tuple[str, ...]
    train: Part
    validation: Part
    test: Part
    source: str  # where it came from

    def __post_init__(self) -> None:
        self.check()

    def check(self) -> None:
        """Raises UserError for what MXNet would train on in silence, naming part, example and value.

        That is: images and labels of different counts, images of another size than the training part's,
        labels outside the classes, NaN or infinite pixels.
        """
        for name in PARTS:
            part, where = getattr(self, name), f"{self.name}, {name} part"
            _check_shapes(part, self.shape, where)
            _check_labels(part.labels, len(self.classes), where)
            _check_pixels(part.images, where)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return self.train.images.shape[1:]

    @cached_property
    def mean(self) -> np.ndarray:
        """Each channel's mean over the training part, (C,) float32."""
        return self._moments[0]

    @cached_property
    def std(self) -> np.ndarray:
        """Each channel's standard deviation over the training part, (C,) float32; 1 where it is 0."""
        return self._moments[1]

    @cached_property
    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        total, squares = 0.0, 0.0
        images = self.train.images
        for chunk in np.array_split(images, max(1, len(images) // 4096)):
            total = total + chunk.sum(axis=(0, 2, 3), dtype=np.float64)
            squares = squares + np.square(chunk, dtype=np.float64).sum(axis=(0, 2, 3))
        count = images.size / images.shape[1]
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - mean**2, 0))
        return mean.astype(np.float32), np.where(std > 0, std, 1).astype(np.float32)

    def normalise(self, images: np.ndarray) -> np.ndarray:
        """A float32 copy in which each channel has mean 0 and variance 1 over the training part."""
        images = images.astype(np.float32)
        images -= self.mean[:, None, None]
        images /= self.std[:, None, None]
        return images

    def _feed_type(self) -> type[Feed]:
        from .feed import Feed  # opens MXNet

        return Feed


def _check_shapes(part: Part, shape: tuple[int, ...], where: str) -> None:
    if len(part.images) != len(part.labels):
        raise UserError(f"{where}: {len(part.images)} images but {len(part.labels)} labels")
    if not len(part.labels):
        raise UserError(f"{where}: no examples; set another fraction by --set validation=")
    if len(shape) != 3 or part.images.shape[1:] != shape:
        raise UserError(
            f"{where}: images of shape {part.images.shape[1:]}, expected (C, H, W) as in training, {shape}"
        )


def _check_labels(labels: np.ndarray, classes: int, where: str) -> None:
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
