"""What was seen: events grouped into steps, each step the work from one update to the next.

`Recorder` listens to the hooks. On every step it appends small tuples; on sampled steps it also keeps
copies of a few arrays, so that what was applied can be recomputed.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..runtime import mx
from .hooks import Listener

KEPT_STEPS = 1000  # step records kept; the counts go on however long the training


@dataclass
class UpdateSample:
    """One parameter's update, as copies (asynchronous: reading them waits for the engine)."""

    name: str
    optimizer: mx.optimizer.Optimizer
    learning_rate: float  # with the parameter's own multiplier
    weight_decay: float  # likewise
    gradient: mx.nd.NDArray
    weight_before: mx.nd.NDArray
    state_before: Any
    weight_after: mx.nd.NDArray


@dataclass
class Step:
    """The events of one step, in order, with the numbers that rules need.

    An event is ("forward", executor, training), ("backward", executor) or ("update", parameter).
    """

    number: int
    events: list[tuple] = field(default_factory=list)
    samples: list[UpdateSample] = field(default_factory=list)

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


class Recorder(Listener):
    """Turns the hooks' calls into steps.

    `sampled(step number)` says on which steps the updates are copied; `on_backward(step, executor)` is
    called on those before each executor's backward pass, when its arrays hold the batch; `on_step(step)`
    after each step.
    """

    def __init__(
        self,
        sampled: Callable[[int], bool] = lambda number: number <= 3,
        on_backward: Callable[[Step, mx.executor.Executor], None] | None = None,
        on_step: Callable[[Step], None] | None = None,
    ) -> None:
        self.steps: deque[Step] = deque(maxlen=KEPT_STEPS)
        self.totals: Counter = Counter()  # ("backward", 1): the steps in which it ran once, and so on
        self.out_of_order: list[int] = []  # the first few steps whose events were not in order
        self._sampled, self._on_backward, self._on_step = sampled, on_backward, on_step
        self._step = Step(1)
        self._executor: mx.executor.Executor | None = None
        self._before: list[tuple] = []

    @property
    def number_of_steps(self) -> int:
        """Steps completed."""
        return self._step.number - 1

    def executor_seen(self, executor: mx.executor.Executor) -> None:
        """Remember whose C calls come next."""
        self._executor = executor

    def before_executor_forward(self, executor: int, training: bool) -> None:
        """A forward pass in training mode after an update opens the next step."""
        if training:
            self._close_step()
        self._step.events.append(("forward", executor, training))

    def before_executor_backward(self, executor: int, head_gradients: list[int]) -> None:
        """Count it; on sampled steps, let somebody look at the batch first."""
        self._close_step()
        self._step.events.append(("backward", executor))
        if self._on_backward and self._sampled(self._step.number) and self._executor is not None:
            self._on_backward(self._step, self._executor)

    def before_update(
        self, updater: mx.optimizer.Updater, indices: list, gradients: list, weights: list
    ) -> None:
        """Copy what the update will read."""
        if not self._sampled(self._step.number):
            return
        self._before = [
            (gradient.copy(), weight.copy(), _copy(updater.states.get(index)))
            for index, gradient, weight in zip(indices, gradients, weights, strict=True)
        ]

    def after_update(
        self, updater: mx.optimizer.Updater, indices: list, gradients: list, weights: list
    ) -> None:
        """Count the update, and copy what it wrote."""
        optimizer = updater.optimizer
        names = [optimizer.idx2name.get(index, str(index)) for index in indices]
        self._step.events += [("update", name) for name in names]
        if not self._before:
            return
        for index, name, weight, (gradient, before, state) in zip(
            indices, names, weights, self._before, strict=True
        ):
            rate, decay = optimizer._get_lr(index), optimizer._get_wd(index)
            sample = UpdateSample(name, optimizer, rate, decay, gradient, before, state, weight.copy())
            self._step.samples.append(sample)
        self._before = []

    def finish(self) -> None:
        """Close the last step."""
        self._close_step()

    def _close_step(self) -> None:
        step = self._step
        if not any(event[0] == "update" for event in step.events):
            return
        for kind in ("forward", "backward", "update"):
            self.totals[kind, step.count(kind)] += 1
        if not step.in_order() and len(self.out_of_order) < 10:
            self.out_of_order.append(step.number)
        self.steps.append(step)
        self._step = Step(step.number + 1)
        if self._on_step:
            self._on_step(step)
        step.samples = []


def _copy(state: Any) -> Any:
    if isinstance(state, (tuple, list)):
        return tuple(_copy(part) for part in state)
    return state.copy() if isinstance(state, mx.nd.NDArray) else state
