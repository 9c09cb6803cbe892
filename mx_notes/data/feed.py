"""Batches for MXNet, prepared by a thread while the batch before them trains."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import runtime
from .plan import Plan

if TYPE_CHECKING:
    from ..runtime import mx  # at run time, opened with the first batch: importing `data` does not

AHEAD = 2  # batches ready and waiting

# Images, (n, C, H, W) float32, and labels, (n,), of this worker's share of each batch; from an epoch and a batch on.
Source = Callable[[Plan, int, int], Iterator[tuple[np.ndarray, np.ndarray]]]
# Such images of a batch (plan, epoch, batch), changed.
Transform = Callable[[np.ndarray, Plan, int, int], np.ndarray]


class Feed:
    """Batches of a part of a data set: from a source, by a plan, each transformed at random.

    The transform of batch b in epoch n depends only on the seed, n and b, as the plan's order does on the
    seed and n: starting in mid-epoch gives the same batches as coming from its beginning.
    """

    def __init__(
        self, source: Source, plan: Plan, transform: Transform | None = None, dtype: str = "float32"
    ) -> None:
        self.plan = plan
        self._source, self._transform, self._dtype = source, transform, dtype

    @property
    def examples(self) -> int:
        """How many examples an epoch has, on all workers."""
        return self.plan.examples

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return self.plan.steps

    def epoch(self, number: int, start: int = 0) -> Iterator[mx.io.DataBatch]:
        """The batches of an epoch (from 0), from batch `start` on.

        data: (n, C, H, W), normalised, of the feed's dtype, on the CPU; label: (n,) float32; n is the
        batch size, in the last batch what is left, or this worker's share of that. copies: how many workers
        have each of the examples; whole: how many examples all workers have, copies counted.
        """
        for batch, (images, labels) in enumerate(ahead(self._prepared(number, start)), start):
            size, copies = self.plan.size(batch), self.plan.copies(batch)
            yield data_batch(images, labels, self._dtype, size, copies)

    def _prepared(self, epoch: int, start: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for batch, (images, labels) in enumerate(self._source(self.plan, epoch, start), start):
            if self._transform:
                images = self._transform(images, self.plan, epoch, batch)
            yield images, labels


def data_batch(
    images: np.ndarray, labels: np.ndarray, dtype: str, size: int | None = None, copies: int = 1
) -> mx.io.DataBatch:
    """A batch, or a worker's share of one of `size`, that says its own shapes: a Module is reshaped to it.

    images: (n, C, H, W); labels: (n,). copies: on how many workers each example is.
    """
    mx = runtime.mx
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
    mx = runtime.mx
    array = mx.nd.empty(values.shape, mx.cpu(), dtype)
    array[:] = values
    return array


def ahead(items: Iterable[Any], count: int = AHEAD) -> Iterator[Any]:
    """Yield the items, which a thread produces, keeping up to `count` of them ready.

    An exception in the thread is raised here; leaving the loop early ends the thread.
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
