"""When a step begins and ends, and what is counted whatever the program is made of."""

from __future__ import annotations

import ctypes
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from ...runtime import mx
from ..hooks.listener import Listener
from .ledger import Buffer, Ledger, Pass
from .resets import remembers
from .step import Message, Step, Update, fingerprint, whereabouts

KEPT_STEPS = 1000  # step records kept; the counts go on however long the training
FINGERPRINTS = 1000  # steps whose batches are told apart
SHAPES = 6  # batch shapes that get a close look of their own


def deep_step(number: int) -> bool:
    """The first three steps, then 4 times rarer and rarer: 16, 64, 256 …"""
    return number <= 3 or (number & (number - 1) == 0 and number.bit_length() % 2 == 1)


class Steps(Listener):
    """Opens and closes steps; the classes built on it fill them.

    A step ends when, after an update, the next forward or backward pass begins.
    """

    def __init__(
        self,
        deep: Callable[[int], bool] = deep_step,
        on_backward: Callable[[Step, mx.executor.Executor], None] | None = None,
        on_step: Callable[[Step], None] | None = None,
        looks: bool = True,
    ) -> None:
        self.steps: deque[Step] = deque(maxlen=KEPT_STEPS)
        self.totals: Counter = Counter()  # ("backward", 1): the steps in which it ran once, and so on
        self.out_of_order: list[int] = []  # the first few steps whose events were not in order
        self.ledger = Ledger()
        self._deep, self._on_backward, self._on_step, self._looks = deep, on_backward, on_step, looks
        self._step = self._open(1)
        self._deferred: list[Callable[[], None]] = []
        self.passes = 0  # backward passes begun
        self._pass: Pass | None = None
        self._shapes: set[tuple] = set()
        self._sizes: set[int] = set()  # numbers of examples that a batch may have

    @property
    def number_of_steps(self) -> int:
        """Steps completed."""
        return self._step.number - 1

    def finish(self) -> None:
        """Close the last step."""
        self._close_step()

    def _open(self, number: int) -> Step:
        return Step(number, deep=self._deep(number))

    def _close_step(self) -> None:
        self._run_deferred()
        step = self._step
        if not step.updates:
            return
        for kind in ("forward", "backward", "update"):
            self.totals[kind, step.count(kind)] += 1
        micro_batches = max((u.passes for u in step.updates if u.accumulates), default=1)
        if micro_batches > 1:
            self.totals["micro-batches", micro_batches] += 1
        if not step.in_order() and len(self.out_of_order) < 10:
            self.out_of_order.append(step.number)
        self._before_judging(step)
        self.steps.append(step)
        self._step = self._open(step.number + 1)
        if self._on_step:
            self._on_step(step)
        step.forget_arrays()

    def _run_deferred(self) -> None:
        """Run the operators that could not run where they were thought of (see `Listener.operator_invoked`)."""
        while self._deferred:
            self._deferred.pop(0)()

    def _before_judging(self, step: Step) -> None:
        """The last chance to add to a step that is over."""

    def _trouble(self, rule: str, text: str, severity: str | None = None) -> None:
        """Note what is wrong as it happens, with the line of the program that is running."""
        self._step.troubles.append((rule, Message(text, severity, *whereabouts())))

    def _meet_batch(self, shape: tuple) -> None:
        """A batch of a shape not seen before gets a close look."""
        if shape not in self._shapes and len(self._shapes) < SHAPES:
            self._shapes.add(shape)
            self._sizes |= {size for size in shape[:2] if isinstance(size, int) and size > 1}
            self._step.deep = True

    def _meet_data(self, data: mx.nd.NDArray) -> None:
        """Note which batch this is, while a training run is young."""
        if self._looks and self._step.number <= FINGERPRINTS and data.stype == "default" and data.size:
            self._step.batches.append(fingerprint(data))

    def _begin_pass(self, training: bool) -> None:
        self.passes += 1
        self._pass = Pass(self.passes, training)

    def _wrote(self, buffers: list[Buffer]) -> None:
        """The backward pass that has just ended wrote these."""
        looks = self._step.looks
        if buffers and looks and not looks[-1].device:
            looks[-1].device = buffers[0].device
        for buffer in buffers:
            if buffer.written_by(self._pass, self._step.number):
                self._step.lost.append(buffer.name)

    def _consume(self, handles: list[int]) -> None:
        for handle in handles:
            if handle in self.ledger.gradients:
                self.ledger.consume(self.ledger.gradients[handle])

    def _updated(
        self,
        name: str,
        buffer: Buffer | None,
        optimizer: Any = None,
        updater: int = 0,
        fresh_state: bool = False,
        rescale: float | None = None,
        rate: float | None = None,
    ) -> None:
        """Enter the update of one parameter; its gradient counts from 0 again."""
        step = self._step
        if not step.updates:
            step.file, step.line = whereabouts()
        device = buffer.device if buffer else ""
        step.events.append(("update", f"{name} {device}".strip()))
        if buffer is None:
            passes, stale, uncleared = 1, False, False
        else:
            passes, stale, uncleared = self._use(buffer)
        # The trace must not keep an optimiser, and with it a whole network, alive.
        kind, keeps = (type(optimizer), remembers(optimizer)) if optimizer else (None, False)
        step.updates.append(
            Update(name, buffer, kind, keeps, updater, passes, stale, uncleared, fresh_state, rescale, rate)
        )

    def _use(self, buffer: Buffer) -> tuple[int, bool, bool]:
        """An update uses this gradient: how many passes made it, is it stale, was it not cleared before them."""
        passes = buffer.passes
        stale = not buffer.passes and not buffer.touched and bool(buffer.updates or buffer.ever)
        self._check_order(buffer, stale)
        uncleared = bool(buffer.request == "add" and buffer.updates and buffer.passes and not buffer.cleared)
        self.ledger.consume(buffer)
        if buffer.last and not buffer.last.training:
            self._trouble("train-mode", "the update used a backward pass whose forward ran in predict mode")
            buffer.last.training = True
        buffer.updates, buffer.updated, buffer.idle = buffer.updates + 1, self._step.number, 0
        buffer.passes, buffer.touched, buffer.cleared, buffer.read = 0, False, False, False
        return passes, stale, uncleared

    def _check_order(self, buffer: Buffer, stale: bool) -> None:
        """Whether the batch that went forward last has gone backward before this update."""


_ndim, _dims = ctypes.c_int(), ctypes.POINTER(ctypes.c_int64)()


def shape_of(handle: int) -> tuple[int, ...]:
    """The shape of the array with this handle."""
    mx.base._LIB.MXNDArrayGetShapeEx64(ctypes.c_void_p(handle), ctypes.byref(_ndim), ctypes.byref(_dims))
    return tuple(_dims[i] for i in range(_ndim.value))
