"""How many threads MXNet should use, which is more than it takes by itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Threads:
    """How many OpenMP threads MXNet gets, and why."""

    count: int
    reason: str


@cache
def threads() -> Threads:
    """Count the OpenMP threads that MXNet should use, and say why.

    MXNet itself takes half the processors that it sees (src/engine/openmp.cc), which is half speed
    where there is no hyper-threading. Here: the cores in this process's affinity mask, hyper-threads
    of one core counted once, limited by the cgroup's CPU quota; `OMP_NUM_THREADS` overrules. Read once:
    `prepare` sets that variable from the answer.
    """
    asked = os.environ.get("OMP_NUM_THREADS")
    if asked is not None and asked.isdigit() and int(asked) > 0:
        return Threads(int(asked), "OMP_NUM_THREADS is set")
    processors = os.sched_getaffinity(0)
    cores = len({_siblings(processor) for processor in processors})
    reason = f"{cores} core{'s' * (cores != 1)} in this process's affinity mask"
    if cores < len(processors):
        reason += f" ({len(processors)} hyper-threads)"
    quota = _cgroup_quota()
    if quota is not None and quota < cores:
        return Threads(max(1, int(quota)), f"cgroup CPU quota {quota:g}, below the {reason}")
    return Threads(cores, reason)


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
