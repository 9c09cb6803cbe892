"""When a step begins and ends, and what is counted whatever the program is made of."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from ...runtime import mx
from ..events import Event, Kind, Place, users_place
from ..graph.values import is_dense, read
from .fingerprint import fingerprint
from .ledger import Buffer, Pass
from .step import Note, Noted, Step, Update

KINDS = [(kind, kind.value) for kind in Kind]
KEPT_STEPS = 1000  # step records kept; the counts go on however long the training
LABELS = 4096  # values of a batch's labels, to be told apart
FINGERPRINTS = 1000  # steps whose batches are told apart
SHAPES = 6  # batch shapes whose first step is sampled
OUT_OF_ORDER = 10  # steps out of order that are remembered
# Elements of one array that are copied on a sampled step, and, once BUDGET bytes were copied in it, no more than that.
ELEMENTS, SCARCE, BUDGET = 1 << 16, 10_000, 1 << 26


def sampled_step(number: int) -> bool:
    """Whether a step is sampled: the first three, then 4 times rarer and rarer, 16, 64, 256 …"""
    return number <= 3 or (number & (number - 1) == 0 and number.bit_length() % 2 == 1)


class OpenStep:
    """The step under way. It alone opens and closes steps; the listeners fill it.

    A step ends when, after an update, the next forward or backward pass begins.
    """

    def __init__(
        self,
        judges: list[Callable[[Step], None]],
        sampled: Callable[[int], bool] = sampled_step,
    ) -> None:
        """judges: called with each step that is over. sampled: which steps are."""
        self.closed: deque[Step] = deque(maxlen=KEPT_STEPS)
        self.totals: Counter[tuple[str, int]] = Counter()  # ("backward", 1): the steps in which it ran once
        self.out_of_order: list[int] = []  # the first few steps whose events were not in order
        self.passes = 0  # backward passes begun
        self.forwards = 0  # in training mode
        self.recording = False  # a scope of autograd.record() is open
        self.batch_sizes: set[int] = set()  # numbers of examples that a batch may have
        self._judges, self._sampled = judges, sampled
        self._pass: Pass | None = None
        self._shapes: set[tuple] = set()
        self._later: list[Callable[[], None]] = []
        self._copied = 0  # bytes, in the step under way
        # Training forwards that wait for their backward pass, by their source: is this buffer one that it writes?
        self._waiting: dict[object, Callable[[Buffer], bool]] = {}
        self.step = self._open(1)

    @property
    def steps_done(self) -> int:
        """Steps completed."""
        return self.step.number - 1

    def _open(self, number: int) -> Step:
        self._copied = 0
        return Step(number, sampled=self._sampled(number))

    def close_if_updated(self) -> bool:
        """Close the step if it has had its update: the next pass begins. Returns whether it was closed."""
        self.run_later()
        step = self.step
        if not step.updates:
            return False
        self._count(step)
        self.closed.append(step)
        self.step = self._open(step.number + 1)
        # What judges compute, on sampled steps alone, is no part of a forward pass that is being recorded.
        with mx.autograd.pause() if step.sampled else nullcontext():
            for judge in self._judges:
                judge(step)
        step.forget_arrays()
        return True

    def _count(self, step: Step) -> None:
        for kind, name in KINDS:
            self.totals[name, step.count(kind)] += 1
        micro_batches = [update.passes for update in step.updates if update.passes > 1 and update.accumulates]
        if micro_batches:
            self.totals["micro-batches", max(micro_batches)] += 1
        if not step.in_order() and len(self.out_of_order) < OUT_OF_ORDER:
            self.out_of_order.append(step.number)

    # Operators that could not run where they were thought of (see `Listener.operator_invoked`)

    def later(self, job: Callable[[], None]) -> None:
        """Do this before the next operator, or when the step ends."""
        self._later.append(job)

    def run_later(self) -> None:
        """Do now what was put off."""
        while self._later:
            self._later.pop(0)()

    def stride(self, array: mx.nd.NDArray, copies: int = 1) -> int:
        """Every how many-th element of an array is to be copied, `copies` times in all."""
        size = math.prod(array.shape)
        every = max(1, size // (ELEMENTS if self._copied < BUDGET else SCARCE))
        self._copied += copies * 4 * size // every
        return every

    # What is noted and met

    def note(
        self,
        what: Noted,
        subject: str = "",
        numbers: tuple[float, ...] = (),
        at: Place | None = None,
        detail: str = "",
    ) -> None:
        """Note what happens, with the line of the program that is running."""
        self.step.notes.append(Note(what, at or users_place(), subject, numbers, detail))

    def meet_batch(self, shape: tuple) -> None:
        """Sample a step whose batch has a shape not seen before."""
        if shape not in self._shapes and len(self._shapes) < SHAPES:
            self._shapes.add(shape)
            self.batch_sizes |= {size for size in shape[:2] if isinstance(size, int) and size > 1}
            self.step.sampled = True

    def meet_data(self, data: mx.nd.NDArray) -> None:
        """Note which batch this is, while a training run is young."""
        if self.step.number <= FINGERPRINTS and is_dense(data):
            self.step.batches.append(fingerprint(data))

    def meet_label(self, label: mx.nd.NDArray) -> None:
        """Note which labels these are, likewise, unless they say nothing: all the same, or the places in the batch."""
        if self.step.number <= FINGERPRINTS and is_dense(label) and label.size <= LABELS:
            values = read(label)
            if np.ptp(values) and not np.array_equal(values.ravel(), np.arange(values.size)):
                self.step.labels.append(hash(values.tobytes()))

    # Passes

    def forward(self, source: object, training: bool) -> None:
        """Enter a forward pass."""
        self.forwards += training
        self.step.events.append(Event(Kind.FORWARD, source, training))

    def await_backward(self, source: object, writes: Callable[[Buffer], bool]) -> None:
        """Expect a backward pass of this source; `writes` tells its buffers."""
        self._waiting[source] = writes

    def is_awaited(self, source: object) -> bool:
        """Whether a forward of this source waits for its backward pass."""
        return source in self._waiting

    def backward_came(self, source: object) -> bool:
        """End the wait for a backward pass; returns whether one was awaited."""
        return self._waiting.pop(source, None) is not None

    def begin_pass(self, training: bool) -> None:
        """A backward pass begins. training: the mode of its forward pass."""
        self.passes += 1
        self._pass = Pass(self.passes, training)

    def wrote(self, buffers: list[Buffer]) -> None:
        """Enter the buffers that the backward pass under way has written."""
        looks = self.step.looks
        if buffers and looks and not looks[-1].device:
            looks[-1].device = buffers[0].device
        for buffer in buffers:
            if self.returned(buffer):
                self.step.lost.append(buffer.name)

    def returned(self, buffer: Buffer) -> bool:
        """Enter that the pass under way made a parameter's gradient; True if that wiped out an unused one."""
        return buffer.written_by(self._pass, self.step.number)

    def written_elsewhere(self, buffer: Buffer) -> None:
        """Enter a gradient that a pass of another thread wrote, as MXNet's own flag tells."""
        if buffer.updated == self.step.number:
            self.close_if_updated()
        if not self.step.noted(Noted.BACKWARD_ELSEWHERE):
            self.begin_pass(training=True)
            self.note(Noted.BACKWARD_ELSEWHERE)
        self.returned(buffer)

    # Updates

    def updated(self, name: str, buffer: Buffer | None, **facts: Any) -> None:
        """Enter the update of one parameter; its gradient counts from 0 again. facts: of an `Update`."""
        step = self.step
        if not step.updates:
            step.place = users_place()
        step.events.append(Event(Kind.UPDATE, name, device=buffer.device if buffer else ""))
        if buffer is not None:
            facts |= self._close_books(buffer)
        step.updates.append(Update(name, buffer, **facts))

    def _close_books(self, buffer: Buffer) -> dict[str, Any]:
        """Close the books on a gradient at its update. Returns what happened to it since the last one.

        passes: backward passes that wrote it; stale: none did, nor anybody else, though one did before; uncleared: under
        grad_req='add', nobody cleared it.
        """
        stale = not buffer.passes and not buffer.touched and bool(buffer.ever)
        self._check_order(buffer, stale)
        uncleared = bool(buffer.request == "add" and buffer.updates and buffer.passes and not buffer.cleared)
        passes = buffer.passes
        buffer.consume()
        if buffer.last and not buffer.last.training:
            self.note(Noted.UPDATE_OF_INFERENCE)
            buffer.last.training = True
        buffer.close(self.step.number)
        return {"passes": passes, "stale": stale, "uncleared": uncleared}

    def _check_order(self, buffer: Buffer, stale: bool) -> None:
        """Whether the batch that went forward last has gone backward before this update."""
        waiting = [source for source, writes in self._waiting.items() if writes(buffer)]
        if waiting and not stale and self.step.number > 1:
            self.note(Noted.UPDATE_BEFORE_BACKWARD)
        for source in waiting:
            del self._waiting[source]
