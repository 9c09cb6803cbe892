"""MXNet's CUDA build: its libraries, loaded from wheels, and the GPUs that it runs on, as their driver lists them.

python -m mx_notes doctor    # prints both

MXNet's own answer comes late: that it has no machine code for a GPU shows as a CUDA error of the first
operator. Here the driver (libcuda.so.1) is asked, and no MXNet is loaded.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import UserError

DRIVER = "libcuda.so.1"
# The wheel's folder under nvidia/, and the file; each library after the ones that it needs.
LIBRARIES = (
    ("cuda_runtime", "libcudart.so.11.0"),
    ("cuda_nvrtc", "libnvrtc.so.11.2"),
    ("nvtx", "libnvToolsExt.so.1"),
    ("cublas", "libcublasLt.so.11"),
    ("cublas", "libcublas.so.11"),
    ("cufft", "libcufft.so.10"),
    ("curand", "libcurand.so.10"),
    ("cusparse", "libcusparse.so.11"),
    ("cusolver", "libcusolver.so.11"),
    ("nccl", "libnccl.so.2"),
    ("cudnn", "libcudnn.so.8"),
)
# libmxnet.so of mxnet-cu112 and mxnet-cu117 holds machine code for 5.0, 6.0, 7.0, 8.0 and 8.6, and no PTX
# that a driver could translate. Code for x.y runs on x.z with z >= y, and on no other x.
OLDEST, BEYOND = (5, 0), (9, 0)
LATER = "an unofficial MXNet 2.0, smolix/mxnet on GitHub, runs on 8.0 to 12.0: Gluon and mx.np, without Module and symbolic executors"
# MXNet has its fused operators compiled to PTX by NVRTC 11.8, which drivers before that refuse.
CUDA_NEEDED = (11, 8)
NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE of cuda.h
GPU_BUILD = "`make venv DEVICE=gpu` (requirements-gpu.txt)"
CPU_BUILD = "`make venv` (requirements.txt)"


@dataclass(frozen=True)
class GPU:
    """A GPU as the driver describes it."""

    name: str  # NVIDIA A10
    capability: tuple[int, int]  # compute capability: (8, 6)

    def __str__(self) -> str:
        return f"{self.name}, compute capability {dotted(self.capability)}"


@dataclass(frozen=True)
class Driver:
    """The answers of NVIDIA's driver. CUDA_VISIBLE_DEVICES has chosen and ordered its GPUs already."""

    problem: str = ""  # why it offers no GPU
    broken: bool = False  # MXNet's CUDA build then computes nothing, not even on the CPU
    cuda: tuple[int, int] = (0, 0)  # the newest CUDA that it supports: (12, 4)
    gpus: tuple[GPU, ...] = ()


@cache
def build() -> str:
    """The installed CUDA build of MXNet, such as mxnet-cu117; empty if MXNet is another one or missing.

    Reads the name of a folder beside MXNet's: nothing is imported.
    """
    spec = importlib.util.find_spec("mxnet")
    if spec is None or not spec.submodule_search_locations:
        return ""
    beside = Path(spec.submodule_search_locations[0]).parent
    found = sorted(folder.name for folder in beside.glob("mxnet_cu*.dist-info"))
    return found[0].partition("-")[0].replace("_", "-") if found else ""


def load() -> None:
    """Load the libraries that MXNet's CUDA build links, from the nvidia-*-cu11 wheels or else the system.

    Raises UserError naming the missing library or driver.
    """
    try:
        ctypes.CDLL(DRIVER, ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise UserError(
            f"{build()} opens only where NVIDIA's driver is ({error}): use MXNet's build for CPUs, {CPU_BUILD}"
        ) from None
    for part, name in LIBRARIES:
        places = [path for folder in sys.path if (path := Path(folder, "nvidia", part, "lib", name)).exists()]
        try:
            ctypes.CDLL(str(places[0]) if places else name, ctypes.RTLD_GLOBAL)
        except OSError as error:
            raise UserError(f"{build()} needs {name} ({error}): run {GPU_BUILD}") from None


@cache
def driver() -> Driver:
    """Ask the driver, once. It is started, but no GPU is: no memory is taken on any."""
    try:
        library = ctypes.CDLL(DRIVER)
    except OSError:
        return Driver(f"there is no NVIDIA driver ({DRIVER} is not found)")
    try:
        _call(library, "cuInit", 0)
        version = _number(library, "cuDriverGetVersion")
        count = _number(library, "cuDeviceGetCount")
        gpus = tuple(_gpu(library, number) for number in range(count))
    except _DriverError as error:
        status, words = error.args
        return Driver(f"NVIDIA's driver answers: {words}{_visible()}", broken=status != NO_DEVICE)
    problem = "" if gpus else f"NVIDIA's driver offers no GPU{_visible()}"
    return Driver(problem, cuda=_version(version), gpus=gpus)


def obstacle(number: int, driver: Driver, build: str) -> str:
    """Say in a few words why MXNet can't use the driver's GPU of that number; empty if it can.

    build: the installed build, as `build()` names it. A fault that no build could cure comes first.
    """
    if driver.problem:
        return driver.problem
    if number >= len(driver.gpus):
        return f"the driver offers {len(driver.gpus)} GPU{'s' * (len(driver.gpus) > 1)}{_visible()}"
    gpu = driver.gpus[number]
    if not OLDEST <= gpu.capability < BEYOND:
        newer = f" ({LATER})" if gpu.capability >= BEYOND else ""
        return f"{gpu}: MXNet 1.9.1's machine code runs on 5.0 to 8.9 only{newer}"
    if driver.cuda < CUDA_NEEDED:
        return (
            f"{gpu}: its driver supports CUDA {dotted(driver.cuda)}, and MXNet needs {dotted(CUDA_NEEDED)}"
            " (driver 520 or later)"
        )
    if not build:
        return f"{gpu}: this MXNet is built for CPUs; its CUDA build comes with {GPU_BUILD}"
    return ""


def before_install(names: str) -> str:
    """Say in one line which fault, other than the build, keeps MXNet off the devices (`gpu:0,gpu:1`); or empty.

    `make train DEVICE=gpu:0` asks before it installs 4.5 GB. Needs Python's standard library only.
    """
    for name in names.split(","):
        number = name.partition(":")[2] or "0"
        if number.isdecimal() and (found := obstacle(int(number), driver(), "mxnet-cu117")):
            return f"mx-notes: device {name!r}: {found}; use DEVICE=cpu"
    return ""


def usable(driver: Driver, build: str) -> Iterator[int]:
    """The numbers of the GPUs that MXNet can use."""
    return (number for number in range(len(driver.gpus)) if not obstacle(number, driver, build))


class _DriverError(Exception):
    pass


def _call(library: ctypes.CDLL, function: str, *arguments) -> None:
    status = getattr(library, function)(*arguments)
    if status:
        text = ctypes.c_char_p()
        library.cuGetErrorString(status, ctypes.byref(text))
        words = text.value.decode(errors="replace") if text.value else "no explanation"
        raise _DriverError(status, f"{words} ({function}: error {status})")


def _number(library: ctypes.CDLL, function: str, *arguments) -> int:
    value = ctypes.c_int()
    _call(library, function, ctypes.byref(value), *arguments)
    return value.value


def _gpu(library: ctypes.CDLL, number: int) -> GPU:
    device = _number(library, "cuDeviceGet", number)
    name = ctypes.create_string_buffer(256)
    _call(library, "cuDeviceGetName", name, len(name), device)
    # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR of cuda.h
    major, minor = (_number(library, "cuDeviceGetAttribute", attribute, device) for attribute in (75, 76))
    return GPU(name.value.decode(errors="replace"), (major, minor))


def _version(number: int) -> tuple[int, int]:
    return number // 1000, number % 1000 // 10  # 11080 is 11.8


def _visible() -> str:
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return "" if chosen is None else f" (CUDA_VISIBLE_DEVICES={chosen!r})"


def dotted(version: tuple[int, int]) -> str:
    """A version or a capability as people write it: 8.6."""
    return ".".join(map(str, version))
