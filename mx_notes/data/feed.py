"""How batches are fed: prepared by a thread while the batch before them trains."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..runtime import mx
from .augment import Augmentation

if TYPE_CHECKING:
    from .dataset import Dataset, Part
    from .formats.recordio import Records
    from .records import RecordDataset

AHEAD = 2  # batches ready and waiting


class Feed:
    """Batches of one part of a data set.

    Every example is fed exactly once an epoch. Where the batch size does not divide them, the last
    batch has the examples that are left and no more: none is dropped, none repeated, and a mean over
    that batch is over its own number of examples.

    The order of epoch n depends only on the seed and n, the augmentation of its batch b only on the
    seed, n and b: starting in mid-epoch gives the same batches as coming from its beginning.

    With several workers each takes its share of every batch, as the one worker would have it, the larger
    shares first. A batch of fewer examples than workers goes to all of them, and each example counts
    1/workers on each.
    """

    def __init__(
        self,
        data: Dataset | RecordDataset,
        part: Part | Records,
        batch_size: int,
        dtype: str = "float32",
        seed: int | None = None,  # None: in order
        augmentation: Augmentation | None = None,
        strength: Callable[[int], float] = lambda epoch: 1.0,
        share: tuple[int, int] = (0, 1),  # the worker's number, and how many there are
    ) -> None:
        self._data, self._part, self._batch_size, self._dtype = data, part, batch_size, dtype
        self._seed, self._augmentation, self._strength = seed, augmentation, strength
        self._share = share
        self.examples = len(part.labels)
        self.steps = -(-self.examples // batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[mx.io.DataBatch]:
        """The batches of an epoch (from 0), from batch `start` on.

        data: (n, C, H, W), normalised, of the feed's dtype, on the CPU; label: (n,) float32; n is the
        batch size, in the last batch what is left, or this worker's share of that. copies: how many workers
        have each of the examples; whole: how many examples all workers have, copies counted.
        """
        for batch, (images, labels) in enumerate(ahead(self._prepared(number, start)), start):
            yield data_batch(images, labels, self._dtype, self.size(batch), self._copies(batch))

    def size(self, batch: int) -> int:
        """How many examples all workers have of a batch (from 0), copies not counted."""
        return min(self._batch_size, self.examples - batch * self._batch_size)

    def own(self, batch: int) -> np.ndarray:
        """Which examples of a batch (from 0) are this worker's: their places in it."""
        places = np.arange(self.size(batch))
        worker, workers = self._share
        return places if self._copies(batch) > 1 else np.array_split(places, workers)[worker]

    def _copies(self, batch: int) -> int:
        workers = self._share[1]
        return workers if self.size(batch) < workers else 1

    def _prepared(self, epoch: int, start: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        order = np.arange(self.examples)
        if self._seed is not None:
            np.random.default_rng([self._seed, epoch]).shuffle(order)
        for number in range(start, self.steps):
            examples = order[number * self._batch_size :][self.own(number)]
            images = self._data.normalise(self._part.images[examples])
            yield self._augmented(images, epoch, number), self._part.labels[examples]

    def _augmented(self, images: np.ndarray, epoch: int, batch: int) -> np.ndarray:
        if self._augmentation is None:
            return images
        # From 1: NumPy seeds [seed, epoch, 0] and [seed, epoch], the shuffle's, alike.
        rng = np.random.default_rng([self._seed, epoch, 1 + batch])
        return self._augmentation(images, rng, self._strength(epoch), self.own(batch), self.size(batch))


def data_batch(
    images: np.ndarray, labels: np.ndarray, dtype: str, size: int | None = None, copies: int = 1
) -> mx.io.DataBatch:
    """A batch, or a worker's share of one of `size`, that says its own shapes: a Module is reshaped to it."""
    data, label = _on_cpu(images, dtype), _on_cpu(labels, "float32")
    batch = mx.io.DataBatch(
        [data],
        [label],
        pad=0,
        provide_data=[mx.io.DataDesc("data", data.shape, dtype)],
        provide_label=[mx.io.DataDesc("softmax_label", label.shape)],
    )
    batch.copies = copies
    batch.whole = copies * (len(images) if size is None else size)
    return batch


def _on_cpu(values: np.ndarray, dtype: str) -> mx.nd.NDArray:
    # Not mx.nd.array: it first looks for a SciPy matrix, under a name that SciPy warns about.
    array = mx.nd.empty(values.shape, mx.cpu(), dtype)
    array[:] = values
    return array


def ahead(items: Iterable[Any], count: int = AHEAD) -> Iterator[Any]:
    """The items, produced by a thread that keeps up to `count` of them ready.

    An exception there is raised here; leaving the loop early ends the thread.
    """
    ready: queue.Queue = queue.Queue(count)
    stopped = threading.Event()

    def put(entry: tuple) -> None:
        while not stopped.is_set():
            try:
                return ready.put(entry, timeout=0.1)
            except queue.Full:
                continue

    def produce() -> None:
        try:
            for item in items:
                put(("item", item))
                if stopped.is_set():
                    return
            put(("end", None))
        except BaseException as error:
            put(("error", error))

    thread = threading.Thread(target=produce, name="batches", daemon=True)
    thread.start()
    try:
        while True:
            kind, value = ready.get()
            if kind == "item":
                yield value
            elif kind == "error":
                raise value
            else:
                return
    finally:
        stopped.set()
        thread.join()
