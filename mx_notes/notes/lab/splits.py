"""Digits split into images to train on and images to test on."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from ... import data


@dataclass(frozen=True)
class Split:
    """Normalised images (N, 1, height, width) float32 and labels (N,) int32, for training and for testing."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    def fewer(self, examples: int) -> Split:
        """Keep only the first `examples` training images, which stand in random order."""
        return replace(
            self, train_images=self.train_images[:examples], train_labels=self.train_labels[:examples]
        )

    def few(self, examples: int) -> Split:
        """Keep the first `examples` training images, and test on all the others, too: the surer the accuracies."""
        return Split(
            self.train_images[:examples],
            self.train_labels[:examples],
            np.concatenate([self.test_images, self.train_images[examples:]]),
            np.concatenate([self.test_labels, self.train_labels[examples:]]),
        )

    def batches(
        self, rng: np.random.Generator, steps: int, size: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Draw `steps` batches of `size` different training images and their labels, at random."""
        for _ in range(steps):
            chosen = rng.choice(len(self.train_labels), size, replace=False)
            yield self.train_images[chosen], self.train_labels[chosen]


@cache
def digits(seed: int) -> Split:
    """Split scikit-learn's 1,797 real 8×8 scans by the seed: two thirds to train on, a third to test on."""
    whole = data.load("digits", seed=0)
    images = np.concatenate([p.images for p in (whole.train, whole.validation, whole.test)])
    labels = np.concatenate([p.labels for p in (whole.train, whole.validation, whole.test)])
    order = np.random.default_rng([seed, 1797]).permutation(len(labels))
    images, labels = whole.normalise(images[order]), labels[order].astype(np.int32)
    cut = len(labels) * 2 // 3
    return Split(images[:cut], labels[:cut], images[cut:], labels[cut:])


def sample(trials: Sized, epochs: int, examples: int = 1198, tested: int = 599) -> str:
    """Say what trainings on digits were measured on: "digits (1,198 to train on, …), 12 epochs, 6 seeds"."""
    return f"digits ({examples:,} to train on, {tested:,} to test on), {epochs} epochs, {len(trials)} seeds"
