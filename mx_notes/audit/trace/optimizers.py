"""What is seen of updates by an optimiser."""

from __future__ import annotations

import itertools
import weakref
from typing import Any

from ...runtime import mx
from ..hooks.listener import Listener
from .finite import FiniteGradients
from .ledger import Ledger
from .resets import Resets, remembers
from .step import Noted, Rates, Schedule, UpdateSample, WeightCopy
from .steps import OpenStep


class Direct:
    """Stands for the Updater where a program calls `optimizer.update` with a state that it keeps itself."""

    def __init__(self, optimizer: mx.optimizer.Optimizer) -> None:
        self._optimizer = weakref.ref(optimizer)
        self.states: dict = {}

    @property
    def optimizer(self) -> mx.optimizer.Optimizer:
        """The optimiser that is called."""
        return self._optimizer()

    def meet(self, index: Any, state: Any) -> None:
        """Learn which state is used next: a state made anew is none."""
        if self.states.get(index, state) is not state or (index not in self.states and _is_new(state)):
            self.states.pop(index, None)
        else:
            self.states[index] = state


def _is_new(state: Any) -> bool:
    """Whether a state that was not seen before remembers nothing yet."""
    parts = state if isinstance(state, (tuple, list)) else [state]
    kept = [part for part in parts if isinstance(part, mx.nd.NDArray)]
    return bool(kept) and not any(part.asnumpy().any() for part in kept)


HANDED = 10_000  # names of parameters that are remembered
SCHEDULES = 1000


class Optimizers(Listener):
    """Each update, with the optimiser's own numbers; on sampled steps with samples of what it read and wrote."""

    def __init__(self, now: OpenStep, books: Ledger) -> None:
        self._now, self._books = now, books
        self._before: list[UpdateSample | None] = []
        self._stateless: list[bool] = []
        self._resets = Resets()
        self._direct: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        # Numbers for optimisers and updaters that come and go; unlike `id`, none is given twice.
        self._numbers: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self._next = itertools.count(1)
        self._finite = FiniteGradients(now)
        self._asked: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # optimizer.lr, as first seen
        self._refused: tuple[weakref.ref, float] | None = None
        self._met: weakref.WeakSet = weakref.WeakSet()
        self.handed: set[str] = set()  # the parameters that optimisers of Trainers are to train, by name
        self._schedules: dict[int, Schedule] = {}  # that the program itself asks for rates, by their id

    @property
    def schedules(self) -> list[Schedule]:
        """The schedules that the program itself asks for rates."""
        return list(self._schedules.values())

    def finish(self) -> None:
        """Look at the last step's gradients whatever its number."""
        if self._now.step.updates:
            self._finite.settle()

    def number_of(self, thing: object) -> int:
        """1, 2, 3 … in the order in which optimisers, updaters and stores are first seen."""
        if thing not in self._numbers:
            self._numbers[thing] = next(self._next)
        return self._numbers[thing]

    def optimizer_refused(self, optimizer: mx.optimizer.Optimizer, parameters: Any) -> None:
        """`Module.init_optimizer` was called again and ignored."""
        rate = dict(parameters or ()).get("learning_rate")
        if rate is not None:
            self._refused = weakref.ref(optimizer), float(rate)

    def schedule_asked(self, schedule: mx.lr_scheduler.LRScheduler, number: Any) -> None:
        """The program itself asks a schedule for its rate, as in `trainer.set_learning_rate(schedule(epoch))`."""
        steps = getattr(schedule, "max_update", None) or getattr(schedule, "step", None) or 0
        horizon = max(steps, default=0) if isinstance(steps, (list, tuple)) else steps
        if id(schedule) in self._schedules or len(self._schedules) < SCHEDULES:
            seen = self._schedules.setdefault(id(schedule), Schedule(horizon))
            seen.horizon, seen.largest = horizon, max(int(number), seen.largest)

    def before_direct_update(
        self, optimizer: mx.optimizer.Optimizer, index: Any, gradient: Any, weight: Any, state: Any
    ) -> None:
        """Sample what the update will read."""
        if not isinstance(index, (list, tuple)):
            self._direct.setdefault(optimizer, Direct(optimizer)).meet(index, state)
            self.before_update(self._direct[optimizer], index, gradient, weight)

    def after_direct_update(
        self, optimizer: mx.optimizer.Optimizer, index: Any, gradient: Any, weight: Any, state: Any
    ) -> None:
        """Enter the update."""
        if not isinstance(index, (list, tuple)):
            self._direct[optimizer].states[index] = state
            self.after_update(self._direct[optimizer], index, gradient, weight)

    def before_update(self, updater: mx.optimizer.Updater, index: Any, gradient: Any, weight: Any) -> None:
        """Sample what the update will read."""
        self._finite.settle_when_due()
        indices, gradients, weights = _lists(index, gradient, weight)
        self._stateless = [index not in updater.states for index in indices]
        replaced = self._resets.before_update(updater, weights, all(self._stateless))
        if any(self._stateless):
            buffers = [self._books.gradients.get(gradient.handle.value) for gradient in gradients]
            if any(buffer is not None and buffer.restored for buffer in buffers):
                self._stateless, replaced = [False] * len(indices), False  # a new start, from other values
        if replaced:
            self._now.note(Noted.OPTIMIZER_REPLACED)
        self._before = [None] * len(indices)
        if self._now.step.sampled:
            optimizer = updater.optimizer
            with mx.autograd.pause():
                self._before = [
                    UpdateSample.before(
                        name_of(optimizer, index),
                        optimizer,
                        g,
                        w,
                        updater.states.get(index),
                        self._now.stride(w, 4),
                    )
                    for index, g, w in zip(indices, gradients, weights, strict=True)
                ]

    def after_update(self, updater: mx.optimizer.Updater, index: Any, gradient: Any, weight: Any) -> None:
        """Enter the update, and sample what it wrote."""
        optimizer, now = updater.optimizer, self._now
        indices, gradients, weights = _lists(index, gradient, weight)
        number = self.number_of(optimizer)
        now.step.rates[number] = self._rates(optimizer)
        if optimizer not in self._met and len(self.handed) < HANDED:
            self._met.add(optimizer)
            given = optimizer.param_dict.values()
            self.handed |= {p.name for p in given if p.grad_req != "null" and p.lr_mult}
        facts = {"optimizer": type(optimizer), "remembers": remembers(optimizer)}
        facts |= {"updater": self.number_of(updater), "rescale": optimizer.rescale_grad}
        names = [name_of(optimizer, index) for index in indices]
        rows = zip(names, indices, gradients, weights, self._before, self._stateless, strict=True)
        for name, index, gradient, weight, sample, stateless in rows:
            found = self._books.gradients.get(gradient.handle.value)
            if sample is not None:
                with mx.autograd.pause():
                    sample.after(index, weight)
                now.step.samples.append(sample)
                now.step.weights.append(WeightCopy(name, sample.weight_after, sample.shape))
            for buffer in [found] if found else self._books.pushed.get(index, []) or [None]:
                now.updated(name, buffer, fresh_state=stateless, **facts)
                if buffer is not None:
                    buffer.optimised, buffer.fed_before = True, buffer.fed
        self._before = []
        self._finite.ask(names, gradients, weights)

    def _rates(self, optimizer: mx.optimizer.Optimizer) -> Rates:
        """The learning rate that was asked for, and the rate in use."""
        used = float(optimizer.learning_rate)
        asked = used if optimizer.lr is None else float(optimizer.lr)
        if self._refused and self._refused[0]() is optimizer:
            asked = self._refused[1]
        elif optimizer.lr_scheduler is not None:
            first = self._asked.setdefault(optimizer, asked)
            asked = used if asked == first else asked  # nobody has set it since the scheduler took over
        return Rates(asked, used)


def _lists(index: Any, gradient: Any, weight: Any) -> tuple[list, list, list]:
    """What an Updater is given, one of each or lists, as lists."""
    if not isinstance(index, (list, tuple)):
        index, gradient, weight = [index], [gradient], [weight]
    return [text(each) for each in index], list(gradient), list(weight)


def text(key: Any) -> Any:
    """A key as Python has it: MXNet hands names over as bytes."""
    return key.decode() if isinstance(key, bytes) else key


def name_of(optimizer: mx.optimizer.Optimizer, index: Any) -> str:
    """The name of the parameter that an optimiser knows by this index, or key of a store."""
    if index in optimizer.param_dict:
        return optimizer.param_dict[index].name
    return str(optimizer.idx2name.get(index, index))
