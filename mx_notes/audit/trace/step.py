"""What was seen: events grouped into steps, each step the work from one update to the next."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...runtime import mx
from ..graph.graph import Graph
from .ledger import Buffer


@dataclass(frozen=True)
class Message:
    """What does not hold, and what to do.

    severity: None, as the rule has it; file, line: None, where the step ended; step: None, the one just judged.
    """

    text: str
    severity: str | None = None
    file: str | None = None
    line: int | None = None
    step: int | None = None


@dataclass
class UpdateSample:
    """One parameter's update, as copies (asynchronous: reading them waits for the engine)."""

    name: str
    optimizer: mx.optimizer.Optimizer
    learning_rate: float  # with the parameter's own multiplier
    weight_decay: float  # likewise
    count: int  # of the parameter's updates, this one included
    momentum: float  # this and the next two as they were then: a schedule may change them
    rescale: float
    clip: float | None
    gradient: mx.nd.NDArray
    weight_before: mx.nd.NDArray
    state_before: Any
    weight_after: mx.nd.NDArray


@dataclass(slots=True)
class Update:
    """One parameter's update on one device, and what had happened to its gradient before it."""

    name: str
    buffer: Buffer | None  # None: the gradient was not seen being made
    optimizer: type | None  # None: by hand
    remembers: bool  # the optimiser keeps a state from update to update
    updater: int  # tells two updaters apart
    passes: int  # backward passes into the gradient since the last update
    stale: bool  # none, and nobody else wrote it either
    uncleared: bool  # grad_req "add", and still holding what the last update used
    fresh_state: bool  # the updater had no state for it yet
    rescale: float | None  # the factor on the gradient that the optimiser applies; None: unknown
    rate: float | None = None  # by hand: the factor that is a learning rate, unless it has a rescale in it

    @property
    def accumulates(self) -> bool:
        """Whether backward passes add to the gradient instead of overwriting it."""
        return self.buffer is not None and self.buffer.request == "add"


@dataclass
class WeightCopy:
    """A parameter's values on one device after its update."""

    name: str
    values: mx.nd.NDArray
    backward: int = 0  # the pass that made its gradient, where the update was by hand


@dataclass
class Look:
    """A backward pass looked at closely, before it ran."""

    graph: Graph
    device: str


@dataclass
class Step:
    """The events of one step, in order, with the numbers that rules need.

    An event is ("forward", executor, training), ("backward", executor) or ("update", parameter);
    for Gluon the executor is "autograd", and a forward is a recorded scope. A backward pass that returned
    its gradients is of "autograd.grad".
    """

    number: int
    deep: bool = False
    events: list[tuple] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # buffers wiped before anybody used them
    troubles: list[tuple[str, Message]] = field(default_factory=list)  # (rule, ...), seen as it happened
    looks: list[Look] = field(default_factory=list)
    samples: list[UpdateSample] = field(default_factory=list)
    weights: list[WeightCopy] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)  # fingerprints of what was fed
    statistics: bool = False  # a backward pass wrote batch norm's running statistics
    workers: int = 1  # whose gradients were summed
    padding: int = 0  # examples that the iterator repeated to fill the batch
    rates: dict[int, tuple[float, float]] = field(default_factory=dict)  # optimiser: rate asked for, in use
    file: str | None = None
    line: int | None = None

    @cached_property
    def finite(self) -> bool:
        """Whether the parameters that were copied before their update were finite."""
        return all(np.isfinite(sample.weight_before.asnumpy()).all() for sample in self.samples)

    def seen(self, rule: str) -> list[Message]:
        """What was noted for a rule as it happened, without repetitions."""
        return list({message.text: message for of, message in self.troubles if of == rule}.values())

    def forget_arrays(self) -> None:
        """Let go of what was only kept for the rules."""
        self.looks, self.samples, self.weights = [], [], []

    def count(self, kind: str) -> int:
        """How often something ran in the step, never added up over devices or networks.

        Forward passes in training mode of one executor; backward passes into one gradient; updates of one
        parameter. Where these differ, the largest number.
        """
        if kind == "backward" and self.updates:
            return max(update.passes for update in self.updates)
        what = [event[1] for event in self.events if event[0] == kind and (kind != "forward" or event[2])]
        if len(set(what)) == len(what):  # as nearly always, and much faster than counting
            return 1 if what else 0
        return max(Counter(what).values())

    def in_order(self) -> bool:
        """Whether each backward follows its executor's forward, and the updates follow all of them."""
        forwards: set = set()
        updated = False
        for kind, source, *rest in self.events:
            if kind == "forward" and rest[0]:
                forwards.add(source)
            elif kind == "backward" and (updated or _forward_of(source) not in forwards):
                return False
            updated = updated or kind == "update"
        return True


def _forward_of(backward: object) -> object:
    return "autograd" if backward == "autograd.grad" else backward


def whereabouts() -> tuple[str | None, int | None]:
    """File and line of the user's code that is running: the innermost frame outside of the libraries."""
    frame = sys._getframe(1)
    while frame is not None:
        if _is_users(frame.f_code.co_filename):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None, None


@functools.cache
def _is_users(file: str) -> bool:
    libraries = ("/site-packages/", "/mx_notes/", "/lib/python3")
    return not file.startswith("<") and not any(part in file.replace("\\", "/") for part in libraries)


def fingerprint(batch: mx.nd.NDArray) -> int:
    """A number that tells dense batches apart: of all values of a small one, of three examples of a large one.

    Waits for the batch, not for the network.
    """
    rows = [0] if batch.size <= 4096 else [0, len(batch) // 2, len(batch) - 1]
    if batch.context.device_type == "gpu":
        with mx.autograd.pause():  # taking a part would be recorded
            parts = [batch[row] for row in rows] if len(rows) > 1 else [batch]
        return hash(b"".join(part.asnumpy().tobytes() for part in parts))
    size = batch.size * np.dtype(batch.dtype).itemsize
    row = size // len(batch) if len(rows) > 1 else size
    batch.wait_to_read()
    address = ctypes.c_void_p()
    mx.base.check_call(mx.base._LIB.MXNDArrayGetData(batch.handle, ctypes.byref(address)))
    return hash(b"".join(ctypes.string_at(address.value + i * row, row) for i in rows))
