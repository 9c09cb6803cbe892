"""Measure each claim in a process of its own, several at a time.

So a claim cannot disturb another (generators, name counters, hooks, the profiler), a crash loses one claim
only, and the numbers do not depend on how many run at once: each process has one OpenMP thread.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..parenthood import die_with_parent
from .claim import Evidence, Setting

THREADS = "OMP_NUM_THREADS"
SHARED = ["numpy", "scipy.stats", "sklearn.datasets", "matplotlib.figure", "matplotlib.backends.backend_agg"]


@dataclass
class Outcome:
    """How measuring a claim ended: with evidence, or with None and the error in one line."""

    evidence: Evidence | None
    error: str
    seconds: float  # spent measuring, without the start of the process


def measure(modules: Mapping[str, str], setting: Setting, workers: int) -> Iterator[tuple[str, Outcome]]:
    """Measure the claims of `modules` (id: module name), at most `workers` at once; yields (id, outcome) as each ends."""
    waiting = list(modules.items())
    running: dict[Connection, tuple[str, BaseProcess]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                claim, module = waiting.pop(0)
                receiver, process = _start(module, setting)
                running[receiver] = claim, process
            for receiver in wait(list(running)):
                claim, process = running[receiver]
                outcome = _received(receiver, process)
                del running[receiver]
                yield claim, outcome
    finally:
        for _, process in running.values():
            process.terminate()
            process.join()


def _start(module: str, setting: Setting) -> tuple[Connection, BaseProcess]:
    # From a server that has imported what all claims need, but not MXNet: a fork would get its engine without the threads.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(SHARED)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(module, setting, sender), daemon=True)
    before = os.environ.get(THREADS)
    os.environ[THREADS] = "1"  # which NumPy reads in the server, and MXNet in the process
    try:
        process.start()
    finally:
        os.environ.pop(THREADS) if before is None else os.environ.update({THREADS: before})
    sender.close()  # only the worker's end stays open: if the worker dies, `recv` raises EOFError
    return receiver, process


def _received(receiver: Connection, process: BaseProcess) -> Outcome:
    try:
        outcome = receiver.recv()
    except EOFError:
        outcome = None
    process.join()
    return outcome or Outcome(None, f"its process ended with status {process.exitcode} and no evidence", 0.0)


def _work(module: str, setting: Setting, sender: Connection) -> None:
    die_with_parent()
    # Ctrl-C reaches all processes; the parent ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ[THREADS] = "1"
    began = time.perf_counter()
    try:
        experiment = importlib.import_module(module)
        began = time.perf_counter()
        evidence, error = experiment.measure(setting), ""
        evidence.numbers = plain(evidence.numbers)
    except Exception as exception:
        evidence, error = None, _one_line(exception, module)
    sender.send(Outcome(evidence, error, time.perf_counter() - began))


def plain(value: Any) -> Any:
    """Turn dataclasses, and NumPy's numbers and arrays, into JSON's types. Raises TypeError for any other object."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if is_dataclass(value):
        value = vars(value)
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    raise TypeError(f"evidence holds a {type(value).__name__}, which JSON has no form for: {value!r}")


def _one_line(error: Exception, module: str) -> str:
    if isinstance(error, UserError):
        return str(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no message"]
    # The text of an MXNet error is a C++ traceback, whose last line says what is wrong.
    text = lines[-1] if lines[0].startswith("Traceback") else lines[0]
    name = type(error).__name__
    if not text.startswith(name):
        text = f"{name}: {text}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).stem == module.rpartition(".")[2]] or frames
    return f"{text} ({Path(own[-1].filename).name}, line {own[-1].lineno})"
