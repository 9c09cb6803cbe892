"""Who listens, and when nobody is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .listener import Listener

# .quiet is False in the threads that attached a listener, and True again while a listener runs. What other
# threads do, such as those of a DataLoader or those in which custom operators run, is not the training.
_thread = threading.local()
_listeners: list[Listener] = []
# By moment: the methods of those who override it. Looked up once, not at each of a step's hundred calls.
heard: dict[str, list[Callable]] = {}


def listen(listener: Listener) -> None:
    """From here on it is told."""
    _listeners.append(listener)
    _sort()


def leave(listener: Listener) -> None:
    """It is told no more."""
    _listeners.remove(listener)
    _sort()


def anybody() -> bool:
    """Whether somebody listens."""
    return bool(_listeners)


def _sort() -> None:
    for moment in vars(Listener):
        if not moment.startswith("_"):
            heard[moment] = [
                getattr(each, moment)
                for each in _listeners
                if getattr(type(each), moment) is not getattr(Listener, moment)
            ]


def quiet() -> bool:
    """Whether calls of this thread are not reported."""
    return getattr(_thread, "quiet", True)


def tell(moment: str, *arguments: Any) -> None:
    """Call this method of all who override it; what they call themselves is not reported."""
    methods = heard[moment]
    if not methods:
        return
    before, _thread.quiet = quiet(), True
    try:
        for method in methods:
            method(*arguments)
    finally:
        _thread.quiet = before


@contextmanager
def reported(on: bool = True) -> Iterator[None]:
    """Inside this `with` the calls of this thread are reported, or not."""
    before, _thread.quiet = quiet(), not on
    try:
        yield
    finally:
        _thread.quiet = before


def unreported():
    """Calls to MXNet inside this `with` reach no listener: for the audit's own arithmetic."""
    return reported(False)


_sort()
