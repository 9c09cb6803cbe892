"""Batch norm's running statistics while the backward pass that writes them is under way.

On the CPU MXNet 1.9.1 writes them in BatchNorm's backward without telling the engine, so nothing that
reads them waits: `get_params`, `save_parameters` and `asnumpy` straight after a step may miss it.
"""

from __future__ import annotations

import numpy as np

from ...runtime import mx
from ..graph.graph import shallow_copy

COMPARED = 3  # reads that are held against the settled values; that waits, and so changes the timing


class RunningStatistics:
    """Which of them may not be settled yet, by the handle of their array."""

    def __init__(self) -> None:
        self._in_flight: dict[int, str] = {}
        self._compared = 0

    def write(self, arrays: dict[int, str]) -> None:
        """A backward pass that writes these was handed to the engine."""
        self._in_flight |= arrays

    def settle(self) -> None:
        """Everything has been waited for."""
        self._in_flight.clear()

    def forget(self, array: int) -> None:
        """The handle was freed."""
        self._in_flight.pop(array, None)

    def among(self, arrays: list[int]) -> int | None:
        """The first of the arrays that is in flight."""
        return (
            next((handle for handle in arrays if handle in self._in_flight), None)
            if self._in_flight
            else None
        )

    def read(self, array: int, taken: int) -> tuple[str, str] | None:
        """Judge a read of an array in flight. taken: the handle of what the reader got (or the array itself).

        Returns a message and its severity, or None once enough reads have been compared.
        """
        name = self._in_flight[array]
        if self._compared >= COMPARED:
            return None
        self._compared += 1
        got = shallow_copy(taken).asnumpy().ravel()
        mx.nd.waitall()
        settled = shallow_copy(array).asnumpy().ravel()
        self._in_flight.clear()
        cure = "call mx.nd.waitall() before reading, saving or evaluating"
        if got.size == settled.size and np.array_equal(got, settled):
            return (
                f"{name} was read while the backward pass that writes it may be under way: {cure}",
                "warning",
            )
        text = f"{name} was read before the last step's backward pass had written it, and lacks that step: {cure}"
        return text, "error"
