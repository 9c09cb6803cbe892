"""What was seen: events grouped into steps, each step the work from one update to the next."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..runtime import mx
from .graph import Graph
from .ledger import Buffer


@dataclass
class UpdateSample:
    """One parameter's update, as copies (asynchronous: reading them waits for the engine)."""

    name: str
    optimizer: mx.optimizer.Optimizer
    learning_rate: float  # with the parameter's own multiplier
    weight_decay: float  # likewise
    count: int  # of the parameter's updates, this one included
    gradient: mx.nd.NDArray
    weight_before: mx.nd.NDArray
    state_before: Any
    weight_after: mx.nd.NDArray


@dataclass
class Update:
    """One parameter's update on one device, and what had happened to its gradient before it."""

    name: str
    buffer: Buffer | None  # None: the gradient was not seen being made
    optimizer: mx.optimizer.Optimizer | None  # None: by hand
    updater: int  # tells two updaters apart
    passes: int  # backward passes into the gradient since the last update
    stale: bool  # none, and nobody else wrote it either
    uncleared: bool  # grad_req "add", and still holding what the last update used
    fresh_state: bool  # the updater had no state for it yet
    rescale: float | None  # the factor on the gradient that the optimiser applies; None: unknown


@dataclass
class Look:
    """A backward pass looked at closely, before it ran."""

    graph: Graph
    device: str


@dataclass
class Step:
    """The events of one step, in order, with the numbers that rules need.

    An event is ("forward", executor, training), ("backward", executor) or ("update", parameter);
    for Gluon the executor is "autograd", and a forward is a recorded scope.
    """

    number: int
    deep: bool = False
    events: list[tuple] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # buffers wiped before anybody used them
    troubles: list[tuple[str, str]] = field(default_factory=list)  # (rule, message) seen as it happened
    looks: list[Look] = field(default_factory=list)
    samples: list[UpdateSample] = field(default_factory=list)
    scales: dict[str, tuple[float, float]] = field(
        default_factory=dict
    )  # gradient norms: after backward, at update
    statistics: bool = False  # a backward pass wrote batch norm's running statistics
    padding: int = 0  # examples that the iterator repeated to fill the batch
    rates: dict[int, tuple[float, float]] = field(
        default_factory=dict
    )  # optimiser: rate asked for, rate in use
    file: str | None = None
    line: int | None = None

    def count(self, kind: str) -> int:
        """Forward passes (in training mode) or backward passes of one executor, updates of one parameter.

        Of several executors or parameters, the largest number.
        """
        counted = (event for event in self.events if event[0] == kind and (kind != "forward" or event[2]))
        return max(Counter(event[1] for event in counted).values(), default=0)

    def in_order(self) -> bool:
        """Whether each backward follows its executor's forward, and the updates follow all of them."""
        forwards: set = set()
        updated = False
        for kind, source, *rest in self.events:
            if kind == "forward" and rest[0]:
                forwards.add(source)
            elif kind == "backward" and (updated or source not in forwards):
                return False
            updated = updated or kind == "update"
        return True


def whereabouts() -> tuple[str | None, int | None]:
    """File and line of the user's code that is running: the innermost frame outside of the libraries."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not (
            "/site-packages/" in name
            or "/mx_notes/" in name.replace("\\", "/")
            or name.startswith("<")
            or "/lib/python3" in name
        ):
            return name, frame.f_lineno
        frame = frame.f_back
    return None, None


def fingerprint(values: np.ndarray) -> int:
    """A number that tells batches apart."""
    return hash(np.ascontiguousarray(values).tobytes())
