"""What is seen of updates by an optimiser."""

from __future__ import annotations

import itertools
import math
import weakref
from dataclasses import dataclass
from typing import Any

from ...runtime import mx
from ..graph.values import read
from ..hooks.listener import Listener
from .finite import FiniteGradients
from .ledger import Ledger
from .resets import Resets, remembers
from .step import Noted, Rates, Schedule, UpdateSample, WeightCopy, plain
from .steps import OpenStep

HANDED = 10_000  # names of parameters that are remembered
SCHEDULES = 1000
ABSENT = object()  # in place of a state: there is none yet


@dataclass
class Call:
    """One call of an Updater, or of an optimiser directly, for one parameter or several."""

    updater: object  # the Updater, or the optimiser itself
    optimizer: mx.optimizer.Optimizer
    indices: list
    gradients: list[mx.nd.NDArray]
    weights: list[mx.nd.NDArray]
    states: list  # before the update; ABSENT where there is none
    samples: list[UpdateSample | None]

    @property
    def names(self) -> list[str]:
        """The parameters' names."""
        return [name_of(self.optimizer, index) for index in self.indices]


class Optimizers(Listener):
    """Each update, with the optimiser's own numbers; on sampled steps with samples of what it read and wrote."""

    def __init__(self, now: OpenStep, books: Ledger) -> None:
        self._now, self._books = now, books
        self._call: Call | None = None  # under way
        self._resets, self._finite = Resets(), FiniteGradients(now)
        self._kept = KeptStates()
        # Numbers for optimisers and updaters that come and go; unlike `id`, none is given twice.
        self._numbers: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self._next = itertools.count(1)
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

    # What is asked of optimisers and schedules

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

    # Updates

    def before_update(self, updater: mx.optimizer.Updater, index: Any, gradient: Any, weight: Any) -> None:
        """Sample what the update will read."""
        if not isinstance(index, (list, tuple)):
            index, gradient, weight = [index], [gradient], [weight]
        indices = [text(each) for each in index]
        states = [updater.states.get(each, ABSENT) for each in indices]
        self._begin(Call(updater, updater.optimizer, indices, list(gradient), list(weight), states, []))

    def before_direct_update(
        self, optimizer: mx.optimizer.Optimizer, index: Any, gradient: Any, weight: Any, state: Any
    ) -> None:
        """Sample what the update will read, where a program calls `optimizer.update` with its own state."""
        if not isinstance(index, (list, tuple)):
            kept = self._kept.before(optimizer, index, weight, state)
            self._begin(Call(optimizer, optimizer, [index], [gradient], [weight], [kept], []))

    def after_update(self, updater: mx.optimizer.Updater, index: Any, gradient: Any, weight: Any) -> None:
        """Enter the update, and sample what it wrote."""
        self._end()

    def after_direct_update(
        self, optimizer: mx.optimizer.Optimizer, index: Any, gradient: Any, weight: Any, state: Any
    ) -> None:
        """Enter the update, and sample what it wrote."""
        if not isinstance(index, (list, tuple)):
            self._kept.after(optimizer, index, weight, state)
            self._end()

    def handle_freed(self, handle: int) -> None:
        """Forget the states of a weight that is gone."""
        self._kept.forget(handle)

    def _begin(self, call: Call) -> None:
        now = self._now
        self._finite.settle_when_due()
        stateless = [state is ABSENT for state in call.states]
        replaced = self._resets.before_update(call.updater, call.optimizer, call.weights, all(stateless))
        if any(stateless):
            buffers = [self._books.gradients.get(gradient.handle.value) for gradient in call.gradients]
            if any(buffer is not None and buffer.restored for buffer in buffers):
                # A new start, from other values.
                call.states, replaced = [None if s is ABSENT else s for s in call.states], False
        if replaced:
            now.note(Noted.OPTIMIZER_REPLACED)
        call.samples = [None] * len(call.indices)
        if now.step.sampled:
            rows = zip(call.names, call.gradients, call.weights, call.states, strict=True)
            with mx.autograd.pause():
                call.samples = [
                    UpdateSample.before(
                        name, call.optimizer, g, w, None if s is ABSENT else s, now.stride(w, copies=4)
                    )
                    for name, g, w, s in rows
                ]
        self._call = call

    def _end(self) -> None:
        call, self._call = self._call, None
        optimizer, now = call.optimizer, self._now
        rates = self._rates(optimizer)
        if rates:
            now.step.rates[self.number_of(optimizer)] = rates
        self._learn_names(optimizer)
        facts = {"optimizer": type(optimizer), "remembers": remembers(optimizer)}
        facts |= {"updater": self.number_of(call.updater), "rescale": self._plain(optimizer.rescale_grad)}
        names = call.names
        rows = zip(names, call.indices, call.gradients, call.weights, call.states, call.samples, strict=True)
        for name, index, gradient, weight, state, sample in rows:
            found = self._books.gradients.get(gradient.handle.value)
            if sample is not None:
                with mx.autograd.pause():
                    sample.after(index, weight)
                now.step.samples.append(sample)
                now.step.weights.append(WeightCopy(name, sample.weight_after, sample.shape))
            for buffer in [found] if found else self._books.pushed.get(index, []) or [None]:
                now.updated(name, buffer, fresh_state=state is ABSENT, **facts)
                if buffer is not None:
                    buffer.optimised, buffer.fed_before = True, buffer.fed
        self._finite.ask(names, call.gradients, call.weights)

    def _learn_names(self, optimizer: mx.optimizer.Optimizer) -> None:
        if optimizer not in self._met and len(self.handed) < HANDED:
            self._met.add(optimizer)
            given = optimizer.param_dict.values()
            self.handed |= {p.name for p in given if p.grad_req != "null" and p.lr_mult}

    def _rates(self, optimizer: mx.optimizer.Optimizer) -> Rates | None:
        """The learning rate that was asked for and the rate in use; None where they can't be told now."""
        used = self._plain(optimizer.learning_rate)
        asked = used if optimizer.lr is None else self._plain(optimizer.lr)
        if used is None or asked is None:
            return None
        if self._refused and self._refused[0]() is optimizer:
            asked = self._refused[1]
        elif optimizer.lr_scheduler is not None:
            first = self._asked.setdefault(optimizer, asked)
            asked = used if asked == first else asked  # nobody has set it since the scheduler took over
        return Rates(asked, used)

    def _plain(self, number: Any) -> float | None:
        """A number of the optimiser's as Python's; an array of MXNet's is waited for on sampled steps only."""
        if isinstance(number, mx.nd.NDArray) and not self._now.step.sampled:
            return None
        found = plain(number)
        return None if math.isnan(found) else found


class KeptStates:
    """The states that a program keeps itself and hands to `optimizer.update`, by weight and index."""

    def __init__(self) -> None:
        self._states: dict[int, dict[tuple, Any]] = {}  # by the handle of the weight

    def before(self, optimizer: mx.optimizer.Optimizer, index: Any, weight: mx.nd.NDArray, state: Any) -> Any:
        """The state, or ABSENT if it was made anew or remembers nothing yet."""
        known = self._states.get(weight.handle.value, {}).get((id(optimizer), index), ABSENT)
        if known is ABSENT:
            return ABSENT if _is_new(state) else state
        return state if known is state else ABSENT

    def after(self, optimizer: mx.optimizer.Optimizer, index: Any, weight: mx.nd.NDArray, state: Any) -> None:
        """Remember it."""
        self._states.setdefault(weight.handle.value, {})[id(optimizer), index] = state

    def forget(self, weight: int) -> None:
        """Another array may get this handle."""
        self._states.pop(weight, None)


def _is_new(state: Any) -> bool:
    """Whether a state that was not seen before remembers nothing yet."""
    parts = state if isinstance(state, (tuple, list)) else [state]
    kept = [part for part in parts if isinstance(part, mx.nd.NDArray)]
    return bool(kept) and not any(read(part).any() for part in kept)


def text(key: Any) -> Any:
    """A key as Python has it: MXNet hands names over as bytes."""
    return key.decode() if isinstance(key, bytes) else key


def name_of(optimizer: mx.optimizer.Optimizer, index: Any) -> str:
    """The name of the parameter that an optimiser knows by this index, or key of a store."""
    if index in optimizer.param_dict:
        return optimizer.param_dict[index].name
    return str(optimizer.idx2name.get(index, index))
