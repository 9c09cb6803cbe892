"""Batch norm's running statistics while the backward pass that writes them is under way.

On the CPU MXNet 1.9.1 writes them in BatchNorm's backward without telling the engine, so nothing that
reads them waits: `get_params`, `save_parameters` and `asnumpy` straight after a step may miss it.
"""

from __future__ import annotations

import numpy as np

from ..graph.values import own, read, wait_for_all
from ..hooks.listener import Listener, OperatorCall
from .step import Noted
from .steps import OpenStep

COMPARED = 3  # reads that are held against the settled values; that waits, and so changes the timing


class StatisticsInFlight(Listener):
    """Which of them may not be settled yet, by the handle of their array, and who reads them."""

    def __init__(self, now: OpenStep) -> None:
        self._now = now
        self._in_flight: dict[int, str] = {}
        self._compared = 0

    def write(self, arrays: dict[int, str]) -> None:
        """A backward pass that writes these (handle: name) was handed to the engine."""
        self._now.step.statistics = self._now.step.statistics or bool(arrays)
        self._in_flight |= arrays

    def operator_invoked(self, call: OperatorCall) -> None:
        """An operator may read some, as `copyto` does for `get_params`."""
        if self._in_flight and not self._now.recording:
            early = self._among(call.inputs)
            if early is not None:
                self._read(early, call.outputs[0])

    def array_read(self, array: int) -> None:
        """`asnumpy` of one."""
        if array in self._in_flight:
            self._read(array, array)

    def before_save(self, arrays: list[int]) -> None:
        """Running statistics may be saved too early."""
        early = self._among(arrays)
        if early is not None:
            self._read(early, early)

    def waited_for_all(self) -> None:
        """Nothing is in flight any more."""
        self._in_flight.clear()

    def handle_freed(self, handle: int) -> None:
        """Another array may get this handle."""
        self._in_flight.pop(handle, None)

    def _among(self, arrays: list[int]) -> int | None:
        return next((array for array in arrays if array in self._in_flight), None)

    def _read(self, array: int, taken: int) -> None:
        """Compare a read of an array in flight with its settled values. taken: what the reader got."""
        name = self._in_flight[array]
        if self._compared >= COMPARED:
            return
        self._compared += 1
        got = read(own(taken)).ravel()
        wait_for_all()
        settled = read(own(array)).ravel()
        self._in_flight.clear()
        same = got.size == settled.size and np.array_equal(got, settled)
        self._now.note(Noted.STATISTICS_READ_EARLY if same else Noted.STATISTICS_READ_STALE, name)
