"""Making more of the images: each batch is reflected, translated, rotated and made noisy at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .plan import Plan


def strength(epoch: int, epochs: int, calm_epochs: int) -> float:
    """How strong the augmentation is in an epoch (from 0): 1, falling to 0 over the last `calm_epochs`.

    With calm_epochs = 2 the last two epochs get 0.5 and 0.
    """
    return min(1.0, (epochs - 1 - epoch) / calm_epochs) if calm_epochs else 1.0


@dataclass(frozen=True)
class Augmentation:
    """Each kind is off at 0.

    reflect: probability of a left-right mirror image. translate: pixels of zero padding from which a
    crop of the image's size is taken. rotate: degrees at most, either way. noise: standard deviation of
    Gaussian noise, in units of the data's own.
    """

    reflect: float = 0.0
    translate: int = 0
    rotate: float = 0.0
    noise: float = 0.0

    def __call__(
        self,
        images: np.ndarray,
        rng: np.random.Generator,
        strength: float = 1.0,
        own: np.ndarray | slice = slice(None),
        size: int | None = None,
    ) -> np.ndarray:
        """Augment normalised images, (N, C, H, W) float32, with every kind scaled by `strength`.

        The given array is left as it is, and returned where there is nothing to do. If the images are a part
        of a batch, `own` are their places in it and `size` is its size: they become what they would be in
        the whole.
        """
        if strength <= 0:
            return images
        count = len(images) if size is None else size
        if self.reflect:
            mirrored = rng.random(count)[own] < self.reflect * strength
            images = images.copy()
            images[mirrored] = images[mirrored, :, :, ::-1]
        if self.rotate:
            images = _rotate(images, rng.uniform(-1, 1, count)[own] * self.rotate * strength)
        if self.translate:
            pixels = round(self.translate * strength)
            images = _translate(images, rng.integers(-pixels, pixels, (2, count), endpoint=True)[:, own])
        if self.noise:
            noise = rng.standard_normal((count, *images.shape[1:]), dtype=np.float32)[own]
            noise *= np.float32(self.noise * strength)
            images = np.add(images, noise, out=noise)
        return np.ascontiguousarray(images)

    def of_batch(
        self,
        images: np.ndarray,
        plan: Plan,
        epoch: int,
        batch: int,
        strength: Callable[[int], float] = lambda epoch: 1.0,
    ) -> np.ndarray:
        """Augment this worker's images of a batch; the same seed, epoch and batch give the same images."""
        # From 1: NumPy seeds [seed, epoch, 0] and [seed, epoch], the shuffle's, alike.
        rng = np.random.default_rng([plan.seed, epoch, 1 + batch])
        return self(images, rng, strength(epoch), plan.own(batch), plan.size(batch))


def _translate(images: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Move each image by its own (rows, columns); zeros, the mean of normalised data, come in."""
    count, channels, height, width = images.shape
    margin = int(np.abs(shifts).max(initial=0))
    padded = np.zeros((count, channels, height + 2 * margin, width + 2 * margin), images.dtype)
    padded[:, :, margin : margin + height, margin : margin + width] = images
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(2, 3))
    return windows[np.arange(count), :, margin + shifts[0], margin + shifts[1]]


def _rotate(images: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Turn each image about its centre by its own angle, interpolated linearly; zeros come in."""
    import cv2

    _, channels, height, width = images.shape
    turned = np.empty_like(images)
    for image, angle, result in zip(images, degrees, turned, strict=True):
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), float(angle), 1.0)
        pixels = cv2.warpAffine(np.ascontiguousarray(image.transpose(1, 2, 0)), matrix, (width, height))
        result[:] = pixels.reshape(height, width, channels).transpose(2, 0, 1)
    return turned
