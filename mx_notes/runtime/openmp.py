"""How many threads MXNet should use, which is more than it takes by itself."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SMALL_BATCH = 1 << 13  # pixels of a batch's images; see docs/performance.md
LOOKS, PAUSE = 5, 0.005  # how often the machine's running processes are counted, and seconds between


@dataclass(frozen=True)
class Threads:
    """How many OpenMP threads MXNet gets, and why."""

    count: int
    reason: str
    asked: bool = False  # by OMP_NUM_THREADS, which the user has set


@cache
def at_opening() -> Threads:
    """Count the OpenMP threads that MXNet should start with in this process, and say why.

    MXNet itself takes half the processors that it sees (src/engine/openmp.cc), which is half speed
    where there is no hyper-threading. Here: the cores in this process's affinity mask, hyper-threads
    of one core counted once, limited by the cgroup's CPU quota, and by what other processes leave free:
    OpenMP's threads spin while one of them waits for a core, and a step takes several times as long.
    `OMP_NUM_THREADS` overrules. Found once: `prepare` sets that variable from the answer.
    """
    asked = os.environ.get("OMP_NUM_THREADS")
    if asked is not None and asked.isdigit() and int(asked) > 0:
        return Threads(int(asked), "OMP_NUM_THREADS is set", asked=True)
    processors = os.sched_getaffinity(0)
    cores = len({_siblings(processor) for processor in processors})
    reason = f"{cores} core{'s' * (cores != 1)} in this process's affinity mask"
    if cores < len(processors):
        reason += f" ({len(processors)} hyper-threads)"
    quota = _cgroup_quota()
    if quota is not None and quota < cores:
        cores = max(1, int(quota))
        reason = f"cgroup CPU quota {quota:g}, below the {reason}"
    others = running_others()
    free = max(1, (os.cpu_count() or 1) - others)
    if others and free < cores:
        return Threads(free, f"{others} other process{'es' * (others > 1)} running; {reason}")
    return Threads(cores, reason)


_set: Threads | None = None


def threads() -> Threads:
    """Tell how many OpenMP threads MXNet uses in this process now, and why."""
    return _set or at_opening()


def threads_for(pixels: int) -> Threads:
    """Choose the threads for a training step whose batch of images has so many pixels."""
    if pixels < SMALL_BATCH and not at_opening().asked:
        return Threads(1, f"a batch of {pixels} pixels is too small for more")
    return at_opening()


def use_threads(wanted: Threads) -> None:
    """Have MXNet's engine use so many OpenMP threads on the CPU from now on, unless OMP_NUM_THREADS was set.

    The same number gives the same bits whether it is set here or before MXNet is opened.
    """
    global _set
    if at_opening().asked:
        return
    if wanted.count != threads().count:
        _set_in_engine(wanted.count)
    _set = wanted


def _set_in_engine(count: int) -> None:
    from . import mx

    openmp, done = ctypes.CDLL("libgomp.so.1"), threading.Event()

    # OpenMP keeps the number for each thread: it has to be set in the one in which the engine runs operators.
    @ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
    def in_engine(run_context: int, nothing: int | None) -> None:
        openmp.omp_set_num_threads(count)
        done.set()

    mx.nd.waitall()
    cpu = (ctypes.c_int * 2)(1, 0)  # MXNet's Context: the device's kind and number
    nobody = (None, 0)  # reads or writes no array
    mx.base.check_call(
        mx.base._LIB.MXEnginePushSync(
            in_engine, None, None, ctypes.byref(cpu), *nobody, *nobody, None, 0, b"use_threads"
        )
    )
    done.wait()
    openmp.omp_set_num_threads(count)


def running_others(loads: Path = Path("/proc/loadavg")) -> int:
    """Count the machine's threads that run or wait for a core, besides this one: the median of a few looks."""
    try:
        found = []
        for _ in range(LOOKS):
            found.append(int(loads.read_text().split()[3].split("/")[0]))
            time.sleep(PAUSE)
        return max(0, sorted(found)[LOOKS // 2] - 1)
    except (OSError, ValueError, IndexError):
        return 0


def _siblings(processor: int) -> str:
    path = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
    try:
        return path.read_text().strip()
    except OSError:
        return str(processor)


def _cgroup_quota(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float | None:
    """Read how many CPUs this process's cgroup and the groups above it allow; None if none sets a limit."""
    quotas = []
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            mount, read = root, _quota_v2
        elif "cpu" in controllers.split(","):
            mount, read = root / "cpu", _quota_v1
        else:
            continue
        # Inside a container the path may name a folder of the host's that is not mounted here.
        group = Path(path.lstrip("/"))
        quotas += [read(mount / folder) for folder in (group, *group.parents)]
    return min((quota for quota in quotas if quota is not None), default=None)


def _quota_v2(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _quota_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        return None if quota < 0 else quota / int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
