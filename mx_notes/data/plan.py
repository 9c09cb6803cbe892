"""Which examples come in which batch, in which order, and on which worker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Plan:
    """The batches of each epoch over a part of a data set.

    Every example is fed exactly once an epoch. Where the batch size does not divide them, the last
    batch has the examples that are left and no more: none is dropped, none repeated, and a mean over
    that batch is over its own number of examples.

    The order of epoch n depends only on the seed and n, so an epoch can be entered in the middle.

    With several workers each takes its share of every batch, the larger shares first. A batch of fewer
    examples than workers goes to all of them, and each example counts 1/workers on each.
    """

    examples: int
    batch_size: int
    seed: int | None = None  # None: in order, the same in each epoch
    worker: int = 0
    workers: int = 1

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-self.examples // self.batch_size)

    def size(self, batch: int) -> int:
        """How many examples a batch (from 0) has on all workers together, copies not counted."""
        return min(self.batch_size, self.examples - batch * self.batch_size)

    def copies(self, batch: int) -> int:
        """On how many workers each example of a batch is."""
        return self.workers if self.size(batch) < self.workers else 1

    def own(self, batch: int) -> np.ndarray:
        """The places in a batch, (n,) from 0, whose examples this worker takes."""
        places = np.arange(self.size(batch))
        return places if self.copies(batch) > 1 else np.array_split(places, self.workers)[self.worker]

    def order(self, epoch: int) -> np.ndarray:
        """The numbers of the examples, (examples,) from 0, in the order of an epoch (from 0)."""
        order = np.arange(self.examples)
        if self.seed is not None:
            np.random.default_rng([self.seed, epoch]).shuffle(order)
        return order
