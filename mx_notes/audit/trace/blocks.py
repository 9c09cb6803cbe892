"""What is seen of Gluon's blocks and parameters beside their passes."""

from __future__ import annotations

import gc
from collections import Counter

from ...runtime import mx
from ..events import Place, users_place
from ..hooks.listener import Listener
from .step import Note, Noted
from .steps import OpenStep

SEARCHES = 3  # for one number: looking through all blocks takes time


class Blocks(Listener):
    """Numbers that a hybridised graph has compiled in, and copies that are none."""

    def __init__(self, now: OpenStep) -> None:
        self._now = now
        self._changed: dict[
            int, dict[str, tuple[float, Place]]
        ] = {}  # by CachedOp; by name, the compiled number
        self._searches: Counter[tuple[type, str]] = Counter()

    def copied_onto_itself(self, parameter: mx.gluon.Parameter) -> None:
        """A parameter was set to its own array."""
        self._now.note(Noted.COPIED_ONTO_ITSELF, parameter.name)

    def number_changed(self, block: mx.gluon.HybridBlock, name: str, before: complex, after: complex) -> None:
        """Remember it, if a graph that is there already was made with the number."""
        kind = type(block)
        code = getattr(kind.hybrid_forward, "__code__", None)
        if code is None or name not in code.co_names:
            return
        title = f"{kind.__name__}.{name}"
        for changes in self._changed.values():
            if title in changes and changes[title][0] == after:
                del changes[title]  # back again
                return
        self._searches[kind, name] += 1
        if self._searches[kind, name] <= SEARCHES:
            for op in _graphs_with(block):
                self._changed.setdefault(op, {}).setdefault(title, (before, users_place()))

    def before_cached_op(self, op: int, inputs: list[int]) -> None:
        """A graph is used again: with the numbers that it was made with."""
        if op in self._changed and self._now.recording:
            for title, (compiled, place) in self._changed.pop(op).items():
                self._now.step.notes.append(Note(Noted.NUMBER_COMPILED_IN, place, title, (compiled,)))

    def handle_freed(self, handle: int) -> None:
        """Another graph may get this handle."""
        self._changed.pop(handle, None)


def _graphs_with(block: mx.gluon.HybridBlock) -> list[int]:
    """The CachedOps that have this block in them."""
    blocks = [each for each in gc.get_objects() if issubclass(type(each), mx.gluon.HybridBlock)]
    return [
        vars(each)["_cached_op"].handle.value
        for each in blocks
        if vars(each).get("_cached_op") is not None and block in _parts(each)
    ]


def _parts(block: mx.gluon.Block) -> list[mx.gluon.Block]:
    found = [block]
    for each in found:
        found += [child for child in vars(each).get("_children", {}).values() if child not in found]
    return found
