"""What is seen of multipliers of learning rate and weight decay: those that a program sets, those that updates use."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ...runtime import mx
from ..events import Place, users_place
from ..hooks.listener import Listener
from .optimizers import name_of, text
from .step import Noted
from .steps import OpenStep

KINDS = ("lr", "wd")
KEPT = 1000  # calls that are remembered


@dataclass(eq=False)
class Asked:
    """The multipliers of one call of `set_lr_mult` or `set_wd_mult`, by name or index."""

    given: dict[Any, float]
    place: Place
    applied: bool = False  # updates were made under it
    met: set[Any] = field(default_factory=set)  # its names and indices that updates knew


@dataclass(eq=False)
class Watched:
    """An optimiser: what was asked of it, and the indices whose update was looked at since."""

    made: Place
    asked: dict[str, Asked] = field(default_factory=dict)  # by kind
    looked_at: set[Any] = field(default_factory=set)


class Multipliers(Listener):
    """The first update of each parameter under each set of multipliers."""

    def __init__(self, now: OpenStep) -> None:
        self._now = now
        self._optimizers: weakref.WeakKeyDictionary[mx.optimizer.Optimizer, Watched] = (
            weakref.WeakKeyDictionary()
        )
        self._asked: list[tuple[str, Asked]] = []  # the calls, whose optimisers may be gone at the end
        self._executors: weakref.WeakSet[mx.executor.Executor] = weakref.WeakSet()
        self._names: dict[int, str] = {}  # of arrays bound to symbols, by handle
        self._bound: dict[str, dict[str, float]] = {}  # multipliers on symbols' variables, by name and kind
        self._arguments: set[str] = set()  # the names of all arguments of symbols

    def optimizer_made(self, optimizer: mx.optimizer.Optimizer) -> None:
        """Remember on which line."""
        self._watch(optimizer)

    def multipliers_set(self, optimizer: mx.optimizer.Optimizer, of: str, given: dict) -> None:
        """A program sets multipliers; the ones that it set before are gone."""
        watched = self._optimizers.get(optimizer) or self._watch(optimizer)
        before = watched.asked.get(of)
        lost = [str(key) for key in before.given if key not in given] if before and given else []
        if lost and not before.applied:
            self._now.note(Noted.MULTIPLIERS_REPLACED, of, at=before.place, detail=", ".join(lost[:3]))
        watched.asked[of] = asked = Asked(dict(given), users_place())
        if len(self._asked) < KEPT:
            self._asked.append((of, asked))
        watched.looked_at.clear()

    def executor_seen(self, executor: mx.executor.Executor) -> None:
        """Learn the names of its arrays, and the multipliers of its symbol's variables."""
        if executor in self._executors:
            return
        self._executors.add(executor)
        attributes = executor._symbol.attr_dict()
        for name, array in executor.arg_dict.items():
            self._names[array.handle.value] = name
            self._arguments.add(name)
            found = {of: _number(attributes.get(name, {}).get(f"__{of}_mult__")) for of in KINDS}
            # A symbol made from a Gluon block has a multiplier of 1 on each variable.
            self._bound[name] = {of: value for of, value in found.items() if value not in (None, 1.0)}

    def handle_freed(self, handle: int) -> None:
        """Another array may get this handle."""
        self._names.pop(handle, None)

    def before_update(self, updater: mx.optimizer.Updater, index: Any, gradient: Any, weight: Any) -> None:
        """An updater is about to use its optimiser's multipliers."""
        several = isinstance(index, (list, tuple))
        self._look(updater.optimizer, *((index, weight) if several else ([index], [weight])))

    def before_direct_update(
        self, optimizer: mx.optimizer.Optimizer, index: Any, gradient: Any, weight: Any, state: Any
    ) -> None:
        """An optimiser is about to use its multipliers."""
        if not isinstance(index, (list, tuple)):
            self._look(optimizer, [index], [weight])

    def finish(self) -> None:
        """Note the multipliers whose names no update knew."""
        for of, asked in self._asked:
            self._note_unknown(of, asked)

    def _watch(self, optimizer: mx.optimizer.Optimizer) -> Watched:
        watched = self._optimizers[optimizer] = Watched(users_place())
        return watched

    def _look(self, optimizer: mx.optimizer.Optimizer, indices: Iterable[Any], weights: Iterable) -> None:
        watched = self._optimizers.get(optimizer) or self._watch(optimizer)
        for index, weight in zip(map(text, indices), weights, strict=True):
            if index not in watched.looked_at:
                watched.looked_at.add(index)
                names = [index, name_of(optimizer, index)]
                bound = self._names.get(weight.handle.value)  # a KVStore updates copies of its own
                for of in KINDS:
                    if of == "lr" or optimizer.wd:
                        self._compare(optimizer, watched, of, [*names, bound] if bound else names)

    def _compare(self, optimizer: mx.optimizer.Optimizer, watched: Watched, of: str, names: list) -> None:
        """names: the index, and what the optimiser and the symbol call the parameter."""
        index, used = names[0], _used(optimizer, of, names[0])
        asked = watched.asked.get(of)
        if asked is not None:
            asked.applied = True
            key = next((name for name in names if name in asked.given), None)
            if key is not None:
                value = asked.given[key]
                if used == value:
                    asked.met.add(key)
                elif index in optimizer.param_dict:
                    asked.met.add(key)
                    numbers = float(value), float(used)
                    self._now.note(Noted.MULTIPLIER_OF_TRAINER, of, numbers, asked.place, str(key))
                return
        value = self._bound.get(names[-1], {}).get(of)
        if value is not None and value != used and index not in optimizer.param_dict:
            self._now.note(Noted.MULTIPLIER_OF_SYMBOL, of, (value, float(used)), watched.made, names[-1])

    def _note_unknown(self, of: str, asked: Asked) -> None:
        if not asked.applied:
            return
        unknown = [key for key in asked.given if key not in asked.met]
        if asked.met:  # some are known: those of fixed parameters may be there, too
            unknown = [key for key in unknown if key not in self._arguments]
        if unknown:
            counts = float(len(unknown)), float(len(asked.given))
            names = ", ".join(str(key) for key in unknown[:3])
            self._now.note(Noted.MULTIPLIER_UNKNOWN, of, counts, asked.place, names)


def _used(optimizer: mx.optimizer.Optimizer, of: str, index: Any) -> float:
    """The multiplier that an optimiser's `_get_lr` or `_get_wd` takes for an index, found in the same order."""
    table = getattr(optimizer, f"{of}_mult")
    if index in optimizer.param_dict:
        return getattr(optimizer.param_dict[index], f"{of}_mult")
    if index in table:
        return table[index]
    return table.get(optimizer.idx2name.get(index), 1.0)


def _number(value: str | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None
