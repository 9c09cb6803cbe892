"""A data set: three parts, in memory or on disk, their scale, and feeds of their batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol

import numpy as np

from .augment import Augmentation
from .feed import Feed
from .part import normalised
from .plan import Plan

PARTS = ("train", "validation", "test")


class Examples(Protocol):
    """What a part of a data set can do, in memory (`Part`) or on disk (`PicturePart`, `RecordPart`)."""

    labels: np.ndarray  # (N,) int32

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image as the network gets it."""

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each channel, (C,) float32."""

    def pixels(self, numbers: np.ndarray) -> np.ndarray:
        """The images of these numbers, (n,), as they are before they are normalised, (n, C, H, W)."""

    def batches(
        self, plan: Plan, epoch: int, start: int, mean: np.ndarray, std: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Normalised images and labels of this worker's share of each batch, from batch `start` on."""

    def check(self, where: str, shape: tuple[int, ...], classes: int) -> None:
        """Raise UserError for data on which MXNet would train in silence."""


@dataclass(frozen=True)
class Dataset:
    """Training, validation (chooses the best epoch) and test (scored once) parts."""

    name: str
    classes: tuple[str, ...]
    train: Examples
    validation: Examples
    test: Examples
    source: str  # where it came from
    white: float = 255.0  # the value of a white pixel; 0: its images are no pictures
    resized: bool = False  # whether pictures of any size were made to fit

    def __post_init__(self) -> None:
        """Raises UserError, naming part, example and value, for data on which MXNet would train in silence."""
        for name in PARTS:
            getattr(self, name).check(f"{self.name}, {name} part", self.shape, len(self.classes))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image as the network gets it."""
        return self.train.shape

    @property
    def mean(self) -> np.ndarray:
        """Each channel's mean over the training part, (C,) float32, in units of its pixels."""
        return self._moments[0]

    @property
    def std(self) -> np.ndarray:
        """Each channel's standard deviation over the training part, (C,) float32; 1 where it is 0."""
        return self._moments[1]

    @cached_property
    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        return self.train.moments()

    def normalise(self, images: np.ndarray) -> np.ndarray:
        """Copy images, (N, C, H, W), as float32; each channel has mean 0 and variance 1 over the training part."""
        return normalised(images, self.mean, self.std)

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
        """Feed the training part in a new order each epoch, augmented with `strength(epoch)`.

        share: the worker's number, and how many there are to divide each batch among.
        """
        plan = Plan(len(self.train.labels), batch_size, seed, *share)
        transform = partial(augmentation.of_batch, strength=strength) if augmentation else None
        return Feed(partial(self._batches, self.train), plan, transform, dtype)

    def evaluation(
        self, part: str, batch_size: int, dtype: str = "float32", share: tuple[int, int] = (0, 1)
    ) -> Feed:
        """Feed the part "train", "validation" or "test" in order, as it is; share: as for `training`."""
        if part not in PARTS:
            raise ValueError(f"part {part!r}: expected one of {', '.join(PARTS)}")
        examples = getattr(self, part)
        plan = Plan(len(examples.labels), batch_size, None, *share)
        return Feed(partial(self._batches, examples), plan, dtype=dtype)

    def _batches(
        self, part: Examples, plan: Plan, epoch: int, start: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return part.batches(plan, epoch, start, self.mean, self.std)
