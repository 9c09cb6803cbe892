"""The one door to MXNet: every other module says `from mx_notes.runtime import mx`.

MXNet 1.9.1 was released for NumPy 1.x of 2022 and for processors with hyper-threading. Opened
here, it also runs on NumPy 2 and on Python 3.12 and later, and with as many threads as this
process has cores; its CUDA build finds its libraries. Importing this module alone loads neither
MXNet nor NumPy.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from ..errors import UserError
from . import cuda


@dataclass(frozen=True)
class Threads:
    """How many OpenMP threads MXNet gets, and why."""

    count: int
    reason: str


@dataclass(frozen=True)
class Device:
    """The device that `auto` takes, and why."""

    name: str
    reason: str


def __getattr__(name: str) -> ModuleType:
    """`runtime.mx` and `runtime.gluoncv`, opened at the first use."""
    if name == "mx":
        module = _open("mxnet")
    elif name == "gluoncv":
        _open("mxnet")
        with _hidden("torch"):  # else gluoncv, which can use either, refuses any PyTorch from 2.0 on
            module = _open("gluoncv")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = module
    return module


def _open(package: str) -> ModuleType:
    prepare()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="distutils Version classes are deprecated")
        try:
            return importlib.import_module(package)
        except ModuleNotFoundError as error:
            if error.name != package:
                raise
            raise UserError(
                f"{package} is not installed: run `pip install --no-deps -r requirements.txt`"
            ) from None


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """Inside this `with` the package seems not to be installed."""
    before = sys.modules.get(package)
    sys.modules[package] = None
    try:
        yield
    finally:
        del sys.modules[package]
        if before is not None:
            sys.modules[package] = before


def prepare() -> None:
    """Make `import mxnet` work in this process, by whoever says it first; costs nothing when repeated.

    Gives NumPy the names that MXNet reads and newer NumPys lack, and sets, unless the user has,
    `OMP_NUM_THREADS` (see `threads`), `MXNET_SUBGRAPH_VERBOSE=0` (a line on stderr at every bind) and
    `MXNET_CPU_PARALLEL_SIZE`, from how many values on an array is copied by several threads: never.
    If the CUDA build is installed, loads CUDA's libraries (UserError if one is missing) and sets, unless the
    user has, `NVIDIA_TF32_OVERRIDE=0`.
    """
    os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")
    os.environ.setdefault("OMP_NUM_THREADS", str(threads().count))
    # Copies into MXNet run in the thread that asks for them. One with OpenMP would give that thread a team of
    # its own, beside that of MXNet's engine; with more threads than processors, libgomp's no longer spin but
    # sleep between operators (gomp_throttled_spin_count_var), which costs a training step a sixth.
    os.environ.setdefault("MXNET_CPU_PARALLEL_SIZE", str(2**31 - 1))
    if "mxnet" not in sys.modules:
        restore_numpy_names()
        if cuda.build():
            # Else cuDNN multiplies float32 on GPUs of 8.x with 10 bits of mantissa, and the audit's sums,
            # right to 1e-4 in float32, no longer agree.
            os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
            cuda.load()


# What NumPy called these until they were removed (in 1.20, 1.24 and 2.0), as `name: today's name`.
_RENAMED = {
    "PINF": "inf",
    "Inf": "inf",
    "Infinity": "inf",
    "infty": "inf",
    "NaN": "nan",
    "NAN": "nan",
    "float_": "float64",
    "complex_": "complex128",
    "unicode_": "str_",
    "string_": "bytes_",
    "alltrue": "all",
    "sometrue": "any",
    "product": "prod",
    "cumproduct": "cumprod",
    "row_stack": "vstack",
    "trapz": "trapezoid",
    "round_": "round",
}
_BUILTINS = {"bool": bool, "int": int, "float": float, "complex": complex, "object": object, "str": str}
_FINANCIAL = ("fv", "ipmt", "irr", "mirr", "nper", "npv", "pmt", "ppmt", "pv", "rate")


def restore_numpy_names() -> None:
    """Give NumPy the names that `import mxnet` reads and newer NumPys lack; `prepare` does."""
    import numpy as np

    def in1d(ar1, ar2, assume_unique=False, invert=False):
        return np.isin(np.ravel(ar1), ar2, assume_unique=assume_unique, invert=invert)

    def msort(a):
        return np.sort(a, axis=0)

    def asfarray(a, dtype=np.float64):
        return np.asarray(a, dtype if np.issubdtype(dtype, np.inexact) else np.float64)

    names = {
        **_BUILTINS,
        **{old: getattr(np, new) for old, new in _RENAMED.items() if hasattr(np, new)},
        **{name: _moved_to_numpy_financial(name) for name in _FINANCIAL},
        **{"PZERO": 0.0, "NZERO": -0.0, "NINF": -np.inf},
        **{"in1d": in1d, "msort": msort, "asfarray": asfarray},
    }
    present = vars(np)  # not hasattr: NumPy's own __getattr__ warns about some of these names
    for name, value in names.items():
        if name not in present:
            setattr(np, name, value)


def _moved_to_numpy_financial(name: str):
    def function(*args, **kwargs):
        raise RuntimeError(f"numpy.{name} has left NumPy; it is numpy_financial.{name}")

    function.__name__ = name
    return function


@cache
def threads() -> Threads:
    """The OpenMP threads that MXNet should use, and why.

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
    """CPUs that this process's cgroup and those above it allow, or None if they set no limit."""
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


def context(name: str):
    """The `mx.Context` that `cpu`, `cpu:1`, `gpu`, `gpu:0` or `auto` names; for `auto`, stderr gets the reason.

    Raises UserError for another word, and for a GPU that MXNet can't use, with the reason.
    """
    if name == "auto":
        name = _announced().name
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "gpu") or not (index or "0").isdecimal():
        raise UserError(f"device {name!r}: expected cpu, cpu:N, gpu, gpu:N or auto")
    number = int(index or 0)
    if kind == "gpu":
        _expect_usable(name, number)
    elif cuda.build() and cuda.driver().broken:
        raise UserError(
            f"device {name!r}: {cuda.build()} needs a driver that works even there, and"
            f" {cuda.driver().problem}; use MXNet's build for CPUs, {cuda.CPU_BUILD}"
        )
    from . import mx

    return mx.Context(kind, number)


def contexts(names: str) -> list:
    """The contexts that names with commas between them, such as `gpu:0,gpu:1`, stand for: see `context`.

    Raises UserError for a device named twice, too.
    """
    found = [context(name) for name in names.split(",")]
    for twice in found:
        if found.count(twice) > 1:
            raise UserError(f"device {names!r}: {twice.device_type}:{twice.device_id} is named twice")
    return found


@cache
def automatic() -> Device:
    """What `auto` means here: the first GPU that MXNet can use, or else the CPU."""
    driver, build = cuda.driver(), cuda.build()
    number = next(cuda.usable(driver, build), None)
    if number is None:
        return Device("cpu", cuda.obstacle(0, driver, build))
    return Device(f"gpu:{number}", str(driver.gpus[number]))


@cache
def _announced() -> Device:
    device = automatic()
    unseen = device.name != "cpu" and _unseen(int(device.name.partition(":")[2]))
    if unseen:
        device = Device("cpu", unseen)
    print(f"device auto: {device.name}; {device.reason}", file=sys.stderr)
    return device


def _expect_usable(name: str, number: int) -> None:
    driver, build = cuda.driver(), cuda.build()
    obstacle = cuda.obstacle(number, driver, build) or _unseen(number)
    if obstacle:
        others = [f"gpu:{other}" for other in cuda.usable(driver, build) if other != number]
        raise UserError(f"device {name!r}: {obstacle}; use {' or '.join([*others, 'cpu'])}")


def _unseen(number: int) -> str:
    """Why MXNet can't use a GPU that the driver says it can; empty if MXNet counts it too."""
    if number < gpus():
        return ""
    return f"MXNet sees {gpus()} GPUs, though the driver offers {len(cuda.driver().gpus)}"


def gpus() -> int:
    """How many GPUs MXNet counts, usable or not: 0 where its CUDA build finds none."""
    from . import mx

    try:
        return mx.context.num_gpus()
    except mx.MXNetError:
        return 0
