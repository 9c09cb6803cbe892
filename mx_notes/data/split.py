"""Which examples of each class are held out of the training part."""

from __future__ import annotations

import numpy as np

TEST_SEED = 0  # fixed, so that every run is scored on the same images
TEST_FRACTION = 1 / 6


def held_out(labels: np.ndarray, fraction: float, seed: int, at_least: int = 0) -> np.ndarray:
    """Choose that fraction of each class of the labels, (N,), drawn with the seed, as a mask, (N,) bool.

    at_least: how many of each class, however small the fraction.
    """
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        chosen[members[: max(round(fraction * len(members)), at_least)]] = True
    return chosen
