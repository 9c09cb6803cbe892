"""Which backward passes of a run are held against their loss, while the time for it lasts, and what came of it."""

from __future__ import annotations

import ctypes
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from ...runtime import mx
from ..finding import GradientCheck, NotJudged
from ..graph.graph import Node
from ..graph.hand_written import CannotReplay
from ..graph.replay import OutOfTime
from ..graph.values import OwnArray, is_dense, read
from ..hooks.listener import Listener
from ..trace.ledger import Buffer, Ledger
from ..trace.step import Derivative, Look
from ..trace.steps import OpenStep
from .derivative import Written, judge

BUDGET = 5.0  # seconds of a run
LOOKS = 2  # backward passes through the same operators that are judged
PART = "they are a part of a loss"


class Derivatives(Listener):
    """Judges the first backward passes through each graph."""

    def __init__(
        self,
        now: OpenStep,
        books: Ledger,
        budget: float = BUDGET,
        apart: Callable[[], AbstractContextManager] = nullcontext,
    ) -> None:
        """budget: seconds that it may take of the run. apart: what it computes runs inside of this."""
        self._now, self._books, self._budget, self._apart = now, books, budget, apart
        self._spent = 0.0
        self._looks: Counter[int] = Counter()  # by the operators of the graph
        self._newest = (0, 0)  # the step of the latest look, and its place in it
        self._second_order = False  # a gradient is a part of the loss
        self._due: Look | None = None  # the pass that is running is to be judged
        self._why = ""  # it is not
        self._before: dict[Buffer, np.ndarray] = {}  # gradients to which it will, or may, add
        self._passes = self._gradients = self._operators = 0  # judged
        self._left: Counter[str] = Counter()  # passes, by the reason
        self._left_operators: Counter[str] = Counter()

    @property
    def check(self) -> GradientCheck:
        """What was judged so far."""
        return GradientCheck(
            self._passes,
            self._gradients,
            self._operators,
            [NotJudged(why, passes, self._left_operators[why]) for why, passes in self._left.items()],
        )

    def before_autograd_backward(
        self, heads: list[int], head_gradients: list[int], returned: bool, differentiable: bool
    ) -> None:
        """Choose, and remember what the pass will add to."""
        self._begin(self._books.variables.values())
        if differentiable:
            self._second_order = True
            self._due, self._why = None, PART

    def before_executor_backward(self, executor: int, head_gradients: list[int]) -> None:
        """Likewise."""
        self._begin(self._books.executors.get(executor, (None, []))[1])

    def after_autograd_backward(self, returned: dict[int, int]) -> None:
        """Judge what the pass has written."""
        by_leaf = dict(self._books.variables)
        self._end(lambda leaf: by_leaf.get(leaf.handle))

    def after_executor_backward(self, executor: int) -> None:
        """Judge what the pass has written."""
        by_name = {buffer.name: buffer for buffer in self._books.executors.get(executor, (None, []))[1]}
        self._end(lambda leaf: by_name.get(leaf.name))

    def _begin(self, buffers: Iterable[Buffer]) -> None:
        self._due, self._why = None, self._reason()
        self._before = {}
        if self._why:
            return
        self._due = self._now.step.looks[-1]
        for buffer in [each for each in buffers if each.request in ("add", "unknown")]:
            array = _gradient(buffer)
            if array is not None:
                self._before[buffer] = read(array).copy()

    def _reason(self) -> str:
        """Why the pass that begins is not to be judged; empty if it is."""
        step = self._now.step
        newest = step.number, len(step.looks)
        if not step.sampled:
            return "their steps were not sampled"
        if not step.looks or newest == self._newest:
            return "their graphs were not seen"
        self._newest = newest
        graph = hash(tuple(node.op for node in step.looks[-1].graph.nodes))
        if self._looks[graph] >= LOOKS:
            return "others like them were judged"
        self._looks[graph] += 1
        return self._over if self._spent >= self._budget else ""

    @property
    def _over(self) -> str:
        return f"the {self._budget:g} s for it were over"

    def _end(self, buffer_of: Callable[[Node], Buffer | None]) -> None:
        look, self._due = self._due, None
        if look is None:
            self._left[self._why] += 1
            self._second_order = self._second_order and self._why == PART
            return
        second_order, self._second_order = self._second_order, False
        written = self._written(look, buffer_of)  # waits for the pass
        start = time.monotonic()
        try:
            if second_order:
                raise CannotReplay("a gradient is a part of their loss")
            with self._apart(), np.errstate(all="ignore"):
                derivative = judge(look, written, until=start + self._budget - self._spent)
            self._now.step.derivatives.append(derivative)
            self._passes += 1
            self._gradients += derivative.parameters
            self._operators += derivative.operators
        except (CannotReplay, OutOfTime) as reason:
            why = str(reason) or self._over
            self._left[why] += 1
            self._left_operators[why] += sum(not node.is_leaf for node in look.graph.nodes)
            self._now.step.derivatives.append(Derivative(left=why))
        self._spent += time.monotonic() - start

    def _written(self, look: Look, buffer_of: Callable[[Node], Buffer | None]) -> Written:
        """What the pass has put into its parameters' gradients."""
        written = Written()
        for leaf in look.graph.leaves:
            buffer = buffer_of(leaf) if leaf.parameter else None
            array = _gradient(buffer) if buffer is not None else None
            if array is None or buffer.last is None or buffer.last.number != self._now.passes:
                continue
            gradient, before = read(array).astype(np.float64), self._before.get(buffer)
            if before is not None and buffer.request == "add":
                gradient, before = gradient - before, None
                written.adding.add(leaf)
            written.gradients[leaf] = gradient
            if before is not None and before.any():
                written.before[leaf] = before
        return written


def _gradient(buffer: Buffer) -> mx.nd.NDArray | None:
    """The array into which backward writes; None where it can't be had, is sparse, or has few digits."""
    array = buffer.gradient
    if array is None and buffer.array is not None:
        handle = mx.base.NDArrayHandle()
        failed = mx.base._LIB.MXNDArrayGetGrad(buffer.array.handle, ctypes.byref(handle))
        array = OwnArray(handle) if not failed and handle.value else None
    if array is None or not is_dense(array) or np.dtype(array.dtype) not in (np.float32, np.float64):
        return None
    return array
