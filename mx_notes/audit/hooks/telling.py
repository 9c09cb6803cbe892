"""Who is told what a thread does, and that no fault of theirs reaches the program."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...runtime import mx
from .listener import Listener

SET_LAST_ERROR = mx.base._LIB["_Z17MXAPISetLastErrorPKc"]  # MXAPISetLastError(const char*), of C++
STRICT = "MX_NOTES_STRICT"  # set to 1: a fault of the audit is raised, as in the project's own tests
MOMENTS = tuple(moment for moment in vars(Listener) if not moment.startswith("_") and moment != "begin")


class Unreadable(Exception):
    """An array of the program can't be read: the operator that was to compute it has failed."""


def strict() -> bool:
    """Whether a fault of the audit is raised instead of being contained."""
    return os.environ.get(STRICT) == "1"


class Attachment:
    """Listeners that are told together. Where one of them fails, all stop, and `failed` gets the exception."""

    def __init__(self, listeners: list[Listener], failed: Callable[[Exception], None]) -> None:
        self.listeners, self._failed = listeners, failed
        self.stopped = False

    def caught(self, error: Exception) -> None:
        """Take what a listener raised. Of what is unreadable the program is told, where it waits itself."""
        if isinstance(error, Unreadable):
            return
        if strict():
            raise error
        self.stopped = True
        self._failed(error)


Calls = list[tuple[Attachment, Callable]]


def deliver(calls: Calls, *arguments: Any) -> None:
    """Call these methods of listeners, but none of an attachment that has stopped."""
    for attachment, method in calls:
        if not attachment.stopped:
            try:
                method(*arguments)
            except Exception as error:
                attachment.caught(error)


class Audience:
    """All that listen to one thread.

    What other threads do, such as those of a DataLoader or those in which custom operators run, is not the
    training. But an object may be freed in any thread: frees are only noted, and told before the next moment.
    """

    def __init__(self) -> None:
        self.listening = False
        self.busy = False  # a listener runs: what it calls is not told
        # An error of the program's own operators that the audit met first. MXNet tells whoever reads first, and
        # nobody after; so the program gets it where it next waits itself.
        self.owed: bytes | None = None
        self.freed: dict[int, None] = {}  # a set in which single operations are safe in every thread
        self.heard: dict[str, Calls] = {moment: [] for moment in MOMENTS}
        self._attachments: list[Attachment] = []

    def add(self, attachment: Attachment) -> None:
        """Begin to tell these listeners."""
        self._arrange([*self._attachments, attachment])
        if self not in audiences:
            audiences.append(self)

    def remove(self, attachment: Attachment) -> None:
        """Stop telling them. Any thread may ask."""
        self._arrange([each for each in self._attachments if each is not attachment])
        if not self.listening and self in audiences:
            audiences.remove(self)
            self.freed.clear()

    def remove_all(self) -> None:
        """Stop telling anybody."""
        self._arrange([])
        self.freed.clear()
        self.owed, self.busy = None, False

    def _arrange(self, attachments: list[Attachment]) -> None:
        # Methods are looked up here once, not at each of a step's hundred calls.
        self.heard = {
            moment: [
                (attachment, getattr(listener, moment))
                for attachment in attachments
                for listener in attachment.listeners
                if getattr(type(listener), moment) is not getattr(Listener, moment)
            ]
            for moment in MOMENTS
        }
        self._attachments = attachments
        self.listening = bool(attachments)

    def pass_on(self, moment: str, *arguments: Any) -> None:
        """Tell of a moment that is being told already: to listeners that have come meanwhile."""
        deliver(self.heard[moment], *arguments)

    def settle(self) -> None:
        """Tell of the handles that were freed since the last moment."""
        while self.freed:
            handle, _ = self.freed.popitem()
            self.pass_on("handle_freed", handle)


class _Thread(threading.local):
    audience: Audience | None = None


_thread = _Thread()
audiences: list[Audience] = []  # of the threads that have listeners


def audience() -> Audience:
    """The audience of the running thread."""
    if _thread.audience is None:
        _thread.audience = Audience()
    return _thread.audience


def leave_all() -> None:
    """Have no thread tell anybody any more: after a fork, say, whose parent goes on telling."""
    for each in audiences:
        each.remove_all()
    audiences.clear()


def quiet() -> bool:
    """Whether nobody is told what this thread does now."""
    mine = _thread.audience
    return mine is None or mine.busy or not mine.listening


def tell(moment: str, *arguments: Any) -> None:
    """Tell this thread's listeners, unless it is `quiet`, of a moment: a method of Listener, and its arguments."""
    mine = _thread.audience
    calls = mine.heard[moment]
    if calls or mine.freed:
        mine.busy = True
        try:
            mine.settle()
            deliver(calls, *arguments)
        finally:
            mine.busy = False


def owe(error: Exception) -> Unreadable:
    """Keep for the program the error of its own that MXNet has just told us; returns the exception to raise instead."""
    mine = audience()
    mine.owed = mine.owed or mx.base._LIB.MXGetLastError()
    return Unreadable(str(error))


def owing() -> bool:
    """Whether an operator has failed, and the program does not know yet."""
    return audience().owed is not None


def pay() -> int:
    """The status of a C call that waits: it fails if the program is owed an error, which is then MXNet's last."""
    mine = _thread.audience
    if mine is None or mine.owed is None or mine.busy:
        return 0
    error, mine.owed = mine.owed, None
    SET_LAST_ERROR(error)
    return -1


@contextmanager
def unreported() -> Iterator[None]:
    """Calls of MXNet inside this `with` are not told: for the audit's own arithmetic."""
    mine = audience()
    before, mine.busy = mine.busy, True
    try:
        yield
    finally:
        mine.busy = before
