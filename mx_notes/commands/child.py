"""A Python program run as `python PROGRAM` would run it, in a child process that is prepared for MXNet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import UserError
from ..parenthood import die_with_parent

STARTUP = Path(__file__).parents[1] / "startup"  # of a sitecustomize.py
THEN = "MX_NOTES_THEN"  # MODULE:FUNCTION to call once MXNet is open
SI_KERNEL = 0x80  # asm-generic/siginfo.h: the signal is the terminal's, which sends it to the child, too


def environment(then: str = "") -> dict[str, str]:
    """This process's variables, and those by which a child and its children are prepared for MXNet."""
    places = [str(STARTUP), os.environ.get("PYTHONPATH", "")]
    then = then or os.environ.get(THEN, "")  # a program under `mx-notes audit` may start `mx-notes run`
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, places)), THEN: then}


def command(program: Path | None, module: list[str] | None, arguments: list[str]) -> list[str]:
    """The command line of `python PROGRAM ARGUMENTS` or, with `module`, of `python -m MODULE ARGUMENTS`.

    Raises UserError for a program that is missing, not a file, or a notebook.
    """
    if module:
        return [sys.executable, "-m", *module]
    if program is None:
        raise UserError("name the SCRIPT to run, or -m MODULE")
    if not program.exists():
        raise UserError(f"{program}: no such file")
    if program.is_dir() and not (program / "__main__.py").is_file():
        raise UserError(f"{program}: a folder without __main__.py, expected a Python script")
    if program.suffix == ".ipynb":
        raise UserError(
            f"{program}: a notebook; write it as a script (jupyter nbconvert --to script), or say `import mx_notes` in its first cell"
        )
    return [sys.executable, str(program), *arguments]


def run(
    arguments: list[str],
    variables: Mapping[str, str],
    each_second: Callable[[int], None] | None = None,
    on_request: Callable[[int], None] | None = None,
) -> tuple[int, int]:
    """Run a command to its end, passing on the signals that this process gets; returns its pid and exit status.

    The status of a program that was killed is 128 + the signal, as a shell has it. each_second: called while it
    runs, with its pid. on_request: called so at SIGUSR1, which then reaches only a program that has a handler.
    """
    watched = {signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2}
    before, passed_on = signal.pthread_sigmask(signal.SIG_BLOCK, watched), set()

    def begin() -> None:
        die_with_parent()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    try:
        child = subprocess.Popen(arguments, env=variables, preexec_fn=begin)
        while child.poll() is None:
            received = signal.sigtimedwait(watched, 1) if each_second else signal.sigwaitinfo(watched)
            if each_second:
                each_second(child.pid)
            # After a stop and a SIGCONT, Python returns what no signal has filled in.
            if received is None or received.si_signo not in watched:
                continue
            if received.si_signo == signal.SIGUSR1 and on_request:
                on_request(child.pid)
                if not _handles(child.pid, signal.SIGUSR1):
                    continue
            from_terminal = received.si_signo == signal.SIGINT and received.si_code == SI_KERNEL
            if received.si_signo != signal.SIGCHLD and not from_terminal:
                child.send_signal(received.si_signo)
                passed_on.add(received.si_signo)
    finally:
        for number in passed_on & {signal.SIGTERM, signal.SIGHUP}:
            signal.signal(number, signal.SIG_IGN)  # `timeout` sends it twice: what is left to do is soon done
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return child.pid, 128 - child.returncode if child.returncode < 0 else child.returncode


def _handles(pid: int, number: int) -> bool:
    """Whether a process has a handler of its own for a signal, as the kernel says."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    return bool(int(caught, 16) >> (number - 1) & 1)
