"""`mx-notes launch`: a job of several workers on this machine, as its child processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .. import runtime
from ..errors import UserError, at_least_one
from ..parenthood import die_with_parent
from .going_on import JOB, resuming
from .train import Asked

GRACE = 10.0  # seconds that the other processes have to end in good order after one has ended
POLL = 0.05


@dataclass(frozen=True)
class Child:
    """A process of the job; `name` as in "worker 1"."""

    name: str
    process: subprocess.Popen

    @property
    def is_worker(self) -> bool:
        """Whether it trains."""
        return self.name.startswith("worker")


def training(arguments: list[str]) -> list[str]:
    """Take the training out of the arguments `-- train ARGS`; raises UserError if there is none."""
    command = arguments[arguments[:1] == ["--"] :]
    if command[:1] != ["train"]:
        raise UserError("launch: expected -- and a training, as in: mx-notes launch --workers 2 -- train")
    return command


def launch(workers: int, servers: int, command: list[str], asked: Asked) -> int:
    """Run `mx-notes COMMAND` as so many workers, with servers and a scheduler; returns the exit status.

    command: a training, as `training` gives it; asked: the same, parsed. SIGINT and SIGTERM go to the workers,
    which stop after the same step. When a process of the job dies, all others are ended, and one line says
    which it was. Raises UserError, before anything is started, for arguments that make no sense.
    """
    asked.check()
    at_least_one(f"launch --workers {workers}", workers)
    at_least_one(f"launch --servers {servers}", servers)
    out = asked.folder()
    if not (asked.resume or asked.out):
        command = [*command, "--out", str(out)]
    children = []
    received: list[int] = []
    try:
        with _passing_signals_to(children, received):
            for name, environment in _environments(workers, servers).items():
                if not received:
                    children.append(Child(name, _start(command, environment)))
            if received:  # before all processes were there to hear of it: nothing has been trained
                return 128 + received[0]
            failed = _wait(children)
            if not failed and len(received) < 2:
                _wait_for_servers(children)
    finally:
        for child in children:
            _kill(child)
    if failed and not received:
        again = f"{_job(workers, servers)} {resuming(out, asked.every, asked.keep)}"
        go_on = f"; go on with: {again}" if (out / "recipe.json").is_file() else ""
        print(f"mx-notes: {failed.name} {_fate(failed)}: the job is ended{go_on}", file=sys.stderr)
        return 2
    if (
        failed and -failed.process.returncode in received
    ):  # the signal came before it could stop in good order
        return _status(failed)
    return max(_status(child) for child in children if child.is_worker)


def _job(workers: int, servers: int) -> str:
    return f"mx-notes launch --workers {workers} --servers {servers} --"


def _environments(workers: int, servers: int) -> dict[str, dict[str, str]]:
    """The environment variables of each process, by its name."""
    root, *ports = _free_ports(1 + workers)
    job = os.environ | {
        "DMLC_PS_ROOT_URI": "127.0.0.1",
        "DMLC_PS_ROOT_PORT": str(root),
        "DMLC_NODE_HOST": "127.0.0.1",
        "DMLC_NUM_WORKER": str(workers),
        "DMLC_NUM_SERVER": str(servers),
        JOB: _job(workers, servers),
    }
    threads = job.get("OMP_NUM_THREADS") or str(max(1, runtime.threads().count // workers))
    found = {"scheduler": job | {"DMLC_ROLE": "scheduler"}}
    found |= {f"server {number}": job | {"DMLC_ROLE": "server"} for number in range(servers)}
    # ps-lite numbers the workers of a machine in the order of their ports.
    return found | {
        f"worker {number}": job | {"DMLC_ROLE": "worker", "PORT": str(port), "OMP_NUM_THREADS": threads}
        for number, port in enumerate(sorted(ports))
    }


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _start(arguments: list[str], environment: dict[str, str]) -> subprocess.Popen:
    # In a session of its own: Ctrl-C reaches it through us alone.
    return subprocess.Popen(
        [sys.executable, "-m", "mx_notes", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )


def _wait(children: list[Child]) -> Child | None:
    """Wait for the end of the job; returns the process that broke it, if one did."""
    deadline = None
    while True:
        ended = [child for child in children if child.process.poll() is not None]
        failed = [child for child in ended if child.process.returncode]
        broken = [child for child in failed if child.process.returncode < 0 or not child.is_worker]
        if broken:
            return broken[0]
        if all(child in ended for child in children if child.is_worker):
            return None
        # A worker that ends by itself has said why. The others end too: it told them, or they can't go on.
        if failed and deadline is None:
            deadline = time.monotonic() + GRACE
        if failed and time.monotonic() > deadline:
            return failed[0]
        time.sleep(POLL)


def _wait_for_servers(children: list[Child]) -> None:
    """Wait for servers and scheduler, which end after the workers, unless the job never came together."""
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline and any(child.process.poll() is None for child in children):
        time.sleep(POLL)


def _kill(child: Child) -> None:
    if child.process.poll() is None:
        os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()


def _fate(child: Child) -> str:
    code = child.process.returncode
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


def _status(child: Child) -> int:
    code = child.process.returncode
    return 128 - code if code < 0 else code


@contextmanager
def _passing_signals_to(children: list[Child], received: list[int]) -> Iterator[None]:
    """Send SIGINT and SIGTERM on to the workers, unless this process was started to ignore them."""

    def forward(number: int, _: object) -> None:
        received.append(number)
        for child in children:
            if child.is_worker and child.process.poll() is None:
                child.process.send_signal(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, forward)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
