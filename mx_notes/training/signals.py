"""SIGINT (Ctrl-C) and SIGTERM ask a training to end after its step; a second one ends it at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .run import Callback, Run

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):
    """Raised between two batches of a training that was asked to end."""

    def __init__(self, received: signal.Signals) -> None:
        self.signal = received
        super().__init__(received.name)

    @property
    def status(self) -> int:
        """The exit status for that signal: 130 or 143."""
        return 128 + self.signal


class StopOnSignal(Callback):
    """Raise Interrupted after the batch, of training or validation, in which a signal came.

    With several workers, all of them raise it after the batch in which all have heard of the signal.
    """

    def __init__(self) -> None:
        self._received: signal.Signals | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note the signals that come inside the `with`, but not those that the process was started to ignore.

        A thread of its own notes them: Python's handlers wait until the main thread is back from MXNet, which
        may take as long as a step, and a second signal is to end the process now.
        """
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        before = {number: signal.getsignal(number) for number in SIGNALS}
        for number in SIGNALS:
            if before[number] is not signal.SIG_IGN:
                signal.signal(number, lambda *_: None)
        wakeup = signal.set_wakeup_fd(writer)
        thread = threading.Thread(target=self._note, args=[reader], name="signals", daemon=True)
        thread.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(writer)  # the thread reads the end
            thread.join()
            os.close(reader)

    def _note(self, reader: int) -> None:
        while number := os.read(reader, 1):  # the number of any signal that has a handler
            if number[0] not in SIGNALS:
                continue
            if self._received:
                os._exit(128 + number[0])
            self._received = signal.Signals(number[0])

    def _check(self, run: Run, *_: object) -> None:
        if self._received:
            run.workers.ask_to_stop(self._received)
        if run.workers.stop:
            raise Interrupted(signal.Signals(run.workers.stop))

    on_step_end = on_validation_step = on_epoch_end = _check
