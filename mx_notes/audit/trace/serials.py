"""Numbers for objects that come and go: unlike `id`, a number is never given to another."""

from __future__ import annotations

import itertools
import weakref


class Serials:
    """1, 2, 3 … in the order in which the objects are first asked for; keeps none of them alive."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref, int]] = {}
        self._next = itertools.count(1)

    def of(self, thing: object) -> int:
        """The object's number."""
        known = self._known.get(id(thing))
        if known is None or known[0]() is not thing:
            known = self._known[id(thing)] = weakref.ref(thing), next(self._next)
        return known[1]
