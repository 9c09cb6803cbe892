"""The audit of one worker of several: it holds each gradient against the mean of the whole batch's losses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ...parallel.workers import Workers
from ..hooks.attach import attached
from ..trace.step import Step
from .confirmation import Confirmation, Line


class SharedConfirmation(Confirmation):
    """Where several workers are, all must ask for its lines: a step is checked by all of them."""

    def __init__(self, workers: Workers) -> None:
        super().__init__()
        self._workers = workers

    def _compare(self, step: Step) -> None:
        if step.samples and self._sums:
            self._sums = {} if self._workers.compression else {0: self._total()}
        super()._compare(step)

    def _total(self) -> tuple[dict[str, np.ndarray], int]:
        """The sum of the examples' own gradients over all workers, and how many examples they are."""
        parts = list(self._sums.values())
        own = {name: sum(sums[name] for sums, _ in parts) for name in parts[0][0]}
        count = sum(count for _, count in parts)
        total = self._workers.total(np.concatenate([array.ravel() for array in own.values()] + [[count]]))
        ends = np.cumsum([array.size for array in own.values()])
        pieces = zip(own.items(), np.split(total[:-1], ends[:-1]), strict=True)
        return {name: piece.reshape(array.shape) for (name, array), piece in pieces}, int(total[-1])

    def _mean_line(self) -> Line:
        if self._workers.compression:
            return Line(
                "gradient: sent in 2 bits a number, which the mean of the batch's losses is not", True
            )
        return super()._mean_line()

    def _places(self) -> str:
        if self._workers.count == 1:
            return super()._places()
        each = f" of {self._devices} devices" if self._devices > 1 else ""
        return f" on {self._workers.count} workers{each}"


@contextmanager
def confirmed(workers: Workers) -> Iterator[SharedConfirmation]:
    """Watch this worker's training inside the `with`."""
    confirmation = SharedConfirmation(workers)
    with attached(confirmation.recorder):
        yield confirmation
