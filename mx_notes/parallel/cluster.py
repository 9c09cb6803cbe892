"""This process's place in a job: read from MXNet's environment variables, watched by heartbeats.

A job has one scheduler, which brings all processes together, servers, which add up gradients, and workers,
which train. docs/cluster.md lists the variables that each process needs.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import UserError, at_least_one

if TYPE_CHECKING:
    from ..runtime import mx

ROLES = ("scheduler", "server", "worker")
NUMBERS = ("DMLC_PS_ROOT_PORT", "DMLC_NUM_WORKER", "DMLC_NUM_SERVER")
# Seconds. The scheduler finds a dead process after TIMEOUT and ends; the others find after as much again that
# the scheduler has ended.
INTERVAL, TIMEOUT = "PS_HEARTBEAT_INTERVAL", "PS_HEARTBEAT_TIMEOUT"
DEFAULTS = {INTERVAL: "1", TIMEOUT: "20"}  # a process takes up to INTERVAL to end, too
PATIENCE = 15.0  # seconds until a process says that it waits for the others
SCHEDULER = 1  # its number in ps-lite (ps/base.h)
COMMAND = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


def role() -> str | None:
    """What this process is in its job: one of ROLES; None without a job.

    Raises UserError for a variable that is missing or makes no sense.
    """
    found = os.environ.get("DMLC_ROLE")
    if found is None:
        return None
    if found not in ROLES:
        raise UserError(f"DMLC_ROLE={found}: expected {', '.join(ROLES)}")
    if not os.environ.get("DMLC_PS_ROOT_URI"):
        raise UserError(f"DMLC_ROLE={found}: DMLC_PS_ROOT_URI must be the scheduler's address")
    os.environ |= {name: default for name, default in DEFAULTS.items() if name not in os.environ}
    for name in (*NUMBERS, *DEFAULTS):
        value = os.environ.get(name, "")
        at_least_one(f"{name}={value}", int(value) if value.isascii() and value.isdigit() else 0)
    return found


def serve() -> int:
    """Be the job's scheduler or one of its servers until the job ends; returns the exit status.

    SIGTERM is ignored: a job is ended by sending it to all processes, and the workers have to save first.
    """
    # Opened under this role, MXNet would serve at once, and unpickle (execute) whatever reaches its port.
    own = os.environ.pop("DMLC_ROLE")
    from ..runtime import mx

    os.environ["DMLC_ROLE"] = own
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler would wait for the end of the job
    store = mx.kv.create("dist_sync")
    ignore = COMMAND(lambda number, body, _: None)
    stop = watch(store, own)
    try:
        mx.base.check_call(mx.base._LIB.MXKVStoreRunServer(store.handle, ignore, None))
    except mx.MXNetError as error:
        raise UserError(f"{own}: {_reason(error)}") from None
    stop()
    return 0


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()[-1]
    if "bind failed" not in text:
        return text
    place = f"{os.environ['DMLC_PS_ROOT_URI']}:{os.environ['DMLC_PS_ROOT_PORT']}"
    return (
        f"cannot listen at {place}: it must be a free port at an IP address of this machine (for a name instead,"
        " set DMLC_USE_KUBERNETES=1)"
    )


def connect() -> mx.kv.KVStore:
    """A worker's KVStore, once the whole job has come together."""
    from ..runtime import mx

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)  # as above
    with _impatient():
        store = mx.kv.create("dist_sync")
    for number, handler in before.items():
        signal.signal(number, handler)
    return store


def watch(store: mx.kv.KVStore, name: str) -> Callable[[], None]:
    """Watch the job from a thread: end this process, in one line, when another is lost. Returns a function that stops it.

    MXNet alone would wait for the lost process for ever. Only the scheduler hears of all processes; the
    others notice that the scheduler has ended. name: of this process, for the line.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_look, args=[store.handle, name, ended], name="heartbeats", daemon=True)
    thread.start()

    def stop() -> None:
        ended.set()
        thread.join()

    return stop


def _look(store: ctypes.c_void_p, name: str, ended: threading.Event) -> None:
    watched = _others() if name == "scheduler" else {SCHEDULER: "the scheduler"}
    before: list[str] = []
    while not ended.wait(1):
        silent = [other for number, other in watched.items() if _is_silent(store, number)]
        # Twice: just before a job has come together ps-lite takes all to have been silent since 1970.
        before, again = silent, [other for other in silent if other in before]
        if again:
            print(
                f"mx-notes: {name}: {' and '.join(again)} not heard of for {os.environ[TIMEOUT]} s: the job is ended;"
                " its last checkpoint is whole, go on with train --resume",
                file=sys.stderr,
                flush=True,
            )
            os._exit(2)


def _others() -> dict[int, str]:
    """Name the servers and workers by ps-lite's numbers (ps/internal/postoffice.h: ServerRankToID, WorkerRankToID)."""
    servers, workers = int(os.environ["DMLC_NUM_SERVER"]), int(os.environ["DMLC_NUM_WORKER"])
    numbers = {8 + 2 * rank: f"server {rank}" for rank in range(servers)}
    return numbers | {9 + 2 * rank: f"worker {rank}" for rank in range(workers)}


def _is_silent(store: ctypes.c_void_p, number: int) -> bool:
    from ..runtime import mx

    count = ctypes.c_int()
    timeout = ctypes.c_int(int(os.environ[TIMEOUT]))
    library = mx.base._LIB
    mx.base.check_call(library.MXKVStoreGetNumDeadNode(store, number, ctypes.byref(count), timeout))
    return count.value > 0


@contextmanager
def _impatient() -> Iterator[None]:
    """Print a line on stderr if the `with` block takes longer than PATIENCE."""
    of = os.environ
    message = (
        f"mx-notes: waiting for the job to come together: {of['DMLC_NUM_WORKER']} workers,"
        f" {of['DMLC_NUM_SERVER']} servers and a scheduler at {of['DMLC_PS_ROOT_URI']}:{of['DMLC_PS_ROOT_PORT']}"
    )
    timer = threading.Timer(PATIENCE, print, [message], {"file": sys.stderr, "flush": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
