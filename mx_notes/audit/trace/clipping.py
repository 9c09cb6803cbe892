"""What is seen of `clip_global_norm`."""

from __future__ import annotations

from typing import Any

from ...runtime import mx
from ..events import Place, users_place
from ..graph.values import read
from ..hooks.listener import Listener
from .ledger import Buffer, Ledger
from .step import Noted
from .steps import OpenStep


class Clipping(Listener):
    """Gradients that are clipped by their norm, and what is done with them afterwards."""

    def __init__(self, now: OpenStep, books: Ledger) -> None:
        self._now, self._books = now, books
        self._clipped: dict[Buffer, Place] = {}  # in the step
        self._step = 0

    def norm_clipped(self, arrays: list[mx.nd.NDArray], largest: float, norm: Any) -> None:
        """Note the norm, where it need not be waited for, or the step is sampled."""
        found = [self._books.gradients.get(array.handle.value) for array in arrays]
        buffers = [buffer for buffer in found if buffer is not None]
        step = self._now.step
        if not buffers or (isinstance(norm, mx.nd.NDArray) and not step.sampled):
            return
        norm = float(read(norm).item()) if isinstance(norm, mx.nd.NDArray) else float(norm)
        self._now.note(Noted.NORM_CLIPPED, numbers=(float(largest), norm))
        if self._step != step.number:
            self._step, self._clipped = step.number, {}
        if norm > largest and all(buffer.optimised and not buffer.passes for buffer in buffers):
            self._now.note(Noted.CLIPPED_AFTER_UPDATE, numbers=(float(largest), norm))
        elif norm > largest:
            self._clipped |= dict.fromkeys(buffers, users_place())

    def before_push(self, store: mx.kv.KVStore, key: Any, value: Any) -> None:
        """A store adds up gradients of several devices, each clipped already."""
        if not self._clipped or self._step != self._now.step.number:
            return
        for arrays in value if isinstance(key, (list, tuple)) else [value]:
            parts = list(arrays) if isinstance(arrays, (list, tuple)) else [arrays]
            buffers = [self._books.gradients.get(part.handle.value) for part in parts]
            places = [self._clipped[buffer] for buffer in buffers if buffer in self._clipped]
            if len(places) > 1:
                self._now.note(Noted.CLIPPED_BEFORE_SUM, numbers=(float(len(parts)),), at=places[0])
                return
