"""A data set in memory: three parts, and what the training part says of their scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import UserError
from .augment import Augmentation


@dataclass(frozen=True)
class Part:
    """images: (N, C, H, W), uint8 or float32; labels: (N,) int32."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """Training, validation (chooses the best epoch) and test (scored once) parts."""

    name: str
    classes: tuple[str, ...]
    train: Part
    validation: Part
    test: Part
    source: str  # where it came from

    def __post_init__(self) -> None:
        """Raises UserError for what MXNet would train on in silence: bad labels, pixels or counts."""
        for name in ("train", "validation", "test"):
            self._check(name, getattr(self, name))

    def _check(self, name: str, part: Part) -> None:
        where = f"{self.name}, {name} part"
        if len(part.images) != len(part.labels):
            raise UserError(f"{where}: {len(part.images)} images but {len(part.labels)} labels")
        if not len(part.labels):
            raise UserError(f"{where}: no examples; choose another --set validation=")
        wrong = np.flatnonzero((part.labels < 0) | (part.labels >= len(self.classes)))
        if len(wrong):
            raise UserError(
                f"{where}: label {part.labels[wrong[0]]} of example {wrong[0]} is outside the"
                f" {len(self.classes)} classes, 0 to {len(self.classes) - 1}"
            )
        if part.images.dtype != np.uint8:
            finite = np.isfinite(part.images).reshape(len(part.images), -1).all(axis=1)
            if not finite.all():
                raise UserError(f"{where}: NaN or infinite pixels in image {int(np.argmin(finite))}")

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
        """Images as the network gets them: float32, per channel of mean 0 and variance 1 over the training part."""
        return (images.astype(np.float32) - self.mean[:, None, None]) / self.std[:, None, None]

    def training(
        self,
        batch_size: int,
        *,
        seed: int,
        augmentation: Augmentation = Augmentation(),
        strength: Callable[[int], float] = lambda epoch: 1.0,
        dtype: str = "float32",
    ):
        """The training part in a new order each epoch, augmented with `strength(epoch)`."""
        from .batches import Feed

        return Feed(self, self.train, batch_size, dtype, seed, augmentation, strength)

    def evaluation(self, part: str, batch_size: int, dtype: str = "float32"):
        """The part "train", "validation" or "test" in order, as it is."""
        from .batches import Feed

        return Feed(self, getattr(self, part), batch_size, dtype)
