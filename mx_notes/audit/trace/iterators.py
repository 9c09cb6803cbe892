"""What is seen of data iterators: loops that get nothing, because the iterator was not put back."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

from ...runtime import mx
from ..events import Place, users_place
from ..hooks.listener import Listener
from .step import Noted
from .steps import OpenStep


@dataclass
class Position:
    """Where an iterator is."""

    gave: bool = False  # it has given a batch, ever
    ended: Place | None = None  # the line whose loop has emptied it; None: it gave a batch since
    begun: bool = False  # a loop has begun since then


class Iterators(Listener):
    """Loops over any `mx.io.DataIter`."""

    def __init__(self, now: OpenStep) -> None:
        self._now = now
        self._positions: weakref.WeakKeyDictionary[mx.io.DataIter, Position] = weakref.WeakKeyDictionary()

    def iterator_begun(self, iterator: mx.io.DataIter) -> None:
        """A loop begins, which need not be at the iterator's beginning."""
        if iterator in self._positions:
            self._positions[iterator].begun = True

    def iterator_advanced(self, iterator: mx.io.DataIter, ended: bool) -> None:
        """Note the end of a loop that got nothing since the end of the loop before.

        An iterator that is asked again without a new loop may be one of several that another one chains.
        """
        position = self._positions.setdefault(iterator, Position())
        if not ended:
            position.gave, position.ended = True, None
        elif position.ended is None:
            position.ended, position.begun = users_place(), False
        elif position.gave and position.begun:
            line = float(position.ended.line or 0)
            self._now.note(Noted.ITERATOR_EXHAUSTED, type(iterator).__name__, (line,))
            position.begun = False
