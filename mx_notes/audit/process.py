"""A whole process under the audit: from the moment it opens MXNet to its end, and its children likewise.

`mx-notes audit` sets OPTIONS. Each process that trains leaves its report in the folder that they name.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic
from types import TracebackType

from .. import disk
from ..runtime import mends, mx
from .handover import DONE, EVERY, OPENED, OPTIONS, SO_FAR, requested
from .hooks.attach import UNSEEN, attached
from .hooks.listener import Listener
from .hooks.telling import audience, leave_all
from .report.json import json as json_of
from .watch import StopAudit, Watch, audit

IGNORED = 3  # times that a program may swallow StopAudit before it is ended


def begin() -> None:
    """Audit this process from here on, as OPTIONS say."""
    options = json.loads(os.environ[OPTIONS])
    Path(options["folder"], f"{os.getpid()}{OPENED}").touch()
    if options.pop("mend"):
        mends.begin()
    process = _Process(**options)
    process.begin()
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _as_without_us
    atexit.register(process.finish)
    # A process that ends without Python's own end, as children of multiprocessing do.
    leave, os._exit = os._exit, lambda status: (process.finish(), leave(status))
    os.register_at_fork(after_in_child=process.begin_as_child)


def _as_without_us(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback that the program would have had: without the frames of the hooks."""
    seen, each = set(), error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        each.__traceback__ = _without_our_frames(each.__traceback__)
        each = each.__cause__ or each.__context__
    sys.__excepthook__(kind, error, error.__traceback__)


def _without_our_frames(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename == UNSEEN:
        trace = trace.tb_next
    if trace is not None:
        trace.tb_next = _without_our_frames(trace.tb_next)
    return trace


class _Process:
    """The audit of this process."""

    def __init__(self, folder: str, live: bool, options: dict) -> None:
        self._folder, self._live, self._options = Path(folder), live, options
        self._told = 0  # findings in the last report so far
        self._next_look = self._next_report = 0.0  # seconds, of the clock
        self._asked = requested(self._folder)
        self._open = ExitStack()
        self._watch: Watch | None = None
        self._forked = False

    def begin(self) -> None:
        """Watch from here on."""
        self._told, self._next_report = 0, monotonic() + EVERY
        self._watch = self._open.enter_context(
            audit(**self._options, on_stop=self._stop, on_step=self._after_step)
        )

    def begin_as_child(self) -> None:
        """After a fork: what the parent has seen is the parent's; begin anew when this process trains."""
        leave_all()
        self._open, self._watch, self._forked = ExitStack(), None, True
        self._open.enter_context(attached(_FirstTraining(self.begin)))

    def _after_step(self) -> None:
        """Leave a report so far, if there is a new finding to tell, if one is wanted, or after half a minute."""
        if self._watch is None:
            return  # the last step, judged at the end
        new = self._live and len(self._watch.findings) > self._told
        now = monotonic()
        if now < self._next_look and not new:
            return
        self._next_look = now + 1
        asked = requested(self._folder)
        if not new and asked == self._asked and now < self._next_report:
            return
        self._asked, self._next_report = asked, now + EVERY
        self._told = len(self._watch.findings)
        with suppress(OSError):  # a full disk is not the program's concern
            self._leave(SO_FAR, self._watch)

    def _leave(self, suffix: str, watch: Watch) -> None:
        watch.script = watch.script or f"process {os.getpid()}"
        disk.replace(self._folder / f"{os.getpid()}{suffix}", json_of(watch.all_found()))

    def _stop(self, times: int) -> None:
        if times <= IGNORED:
            raise StopAudit
        self.finish()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(0)

    def finish(self) -> None:
        """Judge the run and leave the report; once."""
        watch, self._watch = self._watch, None
        if watch is None:
            return
        watch.finish(
            trained_elsewhere=any(self._folder.glob(f"*{DONE}")),
            failed=hasattr(sys, "last_value"),  # which Python sets before it prints a traceback
        )
        with suppress(mx.base.MXNetError):  # that nobody has waited for: MXNet's own end is silent, too
            self._open.close()
        if watch.number_of_steps or not self._forked:
            self._leave(DONE, watch)


class _FirstTraining(Listener):
    """Waits in a forked process until it trains: a worker that loads data does not."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin = begin

    def recording_set(self, on: bool, resumed: bool) -> None:
        """A recorded scope: begin the audit, in place of this listener."""
        self._pass_on("recording_set", on, resumed)

    def executor_seen(self, executor: object) -> None:
        """A forward pass of an executor: likewise."""
        self._pass_on("executor_seen", executor)

    def _pass_on(self, moment: str, *arguments: object) -> None:
        leave_all()
        self._begin()
        audience().pass_on(moment, *arguments)
