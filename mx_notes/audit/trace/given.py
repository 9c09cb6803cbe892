"""What is seen of values and settings that a program hands to parameters by their names."""

from __future__ import annotations

import re
import weakref
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...runtime import mx
from ..events import Place, users_place
from ..graph.values import is_dense, read
from ..hooks.listener import Listener
from .ledger import requests_of
from .step import Noted
from .steps import OpenStep


@dataclass(frozen=True)
class Selection:
    """A `collect_params(pattern)` that found nothing. inside: a name that has the pattern, not at its beginning."""

    pattern: str
    inside: str
    names: str  # some that there are
    place: Place


@dataclass(eq=False)
class Load:
    """One `load_parameters` or `load_dict` under way."""

    given: list[str]
    taken: set[int] = field(default_factory=set)  # the ids of parameters


class Given(Listener):
    """Names that match no parameter, values that a module ignores, executors without any gradient."""

    def __init__(self, now: OpenStep) -> None:
        self._now = now
        self._selections: weakref.WeakKeyDictionary[mx.gluon.ParameterDict, Selection] = (
            weakref.WeakKeyDictionary()
        )
        self._loads: list[Load] = []  # the outermost first
        self._executor: mx.executor.Executor | None = None  # seen last
        self._looked_at: weakref.WeakSet[mx.executor.Executor] = weakref.WeakSet()

    # Patterns

    def parameters_selected(self, block: mx.gluon.Block, pattern: Any, found: mx.gluon.ParameterDict) -> None:
        """Remember a pattern that matches no name."""
        if found._params:
            return
        names = list(block.collect_params()._params)
        inside = next((name for name in names if re.search(pattern, name)), "")
        text = str(getattr(pattern, "pattern", pattern))
        self._selections[found] = Selection(text, inside, ", ".join(names[:2]), users_place())

    def nothing_selected_used(self, found: mx.gluon.ParameterDict) -> None:
        """What is asked of each parameter is asked of none."""
        selection = self._selections.get(found)
        if selection is not None and selection.names:
            what = Noted.SELECTION_ANCHORED if selection.inside else Noted.SELECTION_EMPTY
            detail = selection.inside or selection.names
            self._now.note(what, selection.pattern, at=selection.place, detail=detail)

    # Values

    def before_parameters_loaded(self, owner: Any, given: Iterable[str]) -> None:
        """Parameters are about to take values; `load_parameters` may call `load_dict`."""
        self._loads.append(Load([name.split(":", 1)[-1] for name in given]))

    def arrays_loaded(self, names: list[str]) -> None:
        """A file's names."""
        for load in self._loads:
            load.given = load.given or names

    def parameter_loaded(self, parameter: mx.gluon.Parameter) -> None:
        """A parameter has its value."""
        for load in self._loads:
            load.taken.add(id(parameter))

    def parameters_loaded(self, owner: Any, failed: bool) -> None:
        """Compare what was there with what was taken."""
        load = self._loads.pop()
        if failed or self._loads:
            return
        dotted = isinstance(owner, mx.gluon.Block) and any("." in name for name in load.given)
        own = owner._collect_params_with_prefix() if dotted else _parameters(owner)
        self._compare(type(owner).__name__, load.given, own, len(load.taken))

    def parameters_given(self, module: mx.mod.BaseModule, given: dict, ignored: bool) -> None:
        """A module was given values for its parameters."""
        inner = getattr(module, "_curr_module", module)  # of a BucketingModule
        name = type(module).__name__
        if ignored:
            if inner.binded and _differ(inner._exec_group.execs[0], given):
                late = module.optimizer_initialized
                what = Noted.VALUES_IGNORED_LATE if late else Noted.VALUES_IGNORED
                self._now.note(what, name, (float(len(given)),))
        elif inner is module:
            own = {*module._param_names, *module._aux_names}
            self._compare(name, given, own, len(own.intersection(given)))

    def _compare(self, name: str, given: Collection[str], own: Collection[str], taken: int) -> None:
        if not given or not own or 2 * taken >= min(len(given), len(own)):
            return
        what = Noted.VALUES_MOSTLY_UNMATCHED if taken else Noted.VALUES_UNMATCHED
        left = next((each for each in given if each not in own), "")
        empty = next((each for each in sorted(own) if each not in given), "")
        counts = float(taken), float(len(given)), float(len(own))
        self._now.note(what, name, counts, detail=f"{left!r} is given, {empty!r} is asked for")

    # Executors

    def executor_seen(self, executor: mx.executor.Executor) -> None:
        """Its next pass is told by its handle."""
        self._executor = executor

    def before_executor_backward(self, executor: int, head_gradients: list[int]) -> None:
        """Note an executor that has no gradient to write, once."""
        seen, self._executor = self._executor, None
        if seen is None or seen in self._looked_at or seen.handle.value != executor:
            return
        self._looked_at.add(seen)
        if all(request == "null" for request in requests_of(seen).values()):
            self._now.note(Noted.EVERYTHING_FIXED)


def _parameters(owner: Any) -> dict[str, mx.gluon.Parameter]:
    found = owner.collect_params() if isinstance(owner, mx.gluon.Block) else owner
    return dict(found._params)


def _differ(executor: mx.executor.Executor, given: dict) -> bool:
    """Whether some value is not the one that the executor has."""
    arrays = {**executor.arg_dict, **executor.aux_dict}
    for name, value in given.items():
        both = [arrays.get(name), value]
        readable = all(isinstance(array, mx.nd.NDArray) and is_dense(array) for array in both)
        if readable and not np.array_equal(*map(read, both)):
            return True
    return not any(name in arrays for name in given)
