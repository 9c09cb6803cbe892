"""`mx-notes doctor`: versions, threads, devices and data on this machine, and what is wrong with them."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys

from .. import runtime
from ..errors import UserError
from ..runtime import cuda
from ..runtime.opening import CURE
from . import enable

PACKAGES = (
    "gluoncv",
    "numpy",
    "scikit-learn",
    "opencv-python-headless",
    "matplotlib",
    "tensorboardX",
)
DOORS = "works under `mx-notes run` and after `import mx_notes`; everywhere after `mx-notes enable`"
FEATURES = (
    "MKLDNN",
    "OPENMP",
    "BLAS_OPEN",
    "BLAS_MKL",
    "CUDA",
    "CUDNN",
    "DIST_KVSTORE",
    "OPENCV",
    "INT64_TENSOR_SIZE",
)


def report(data_dir: str | None = None) -> int:
    """Print the report; returns 0, or 1 if training would not work."""
    problems: list[str] = []
    _line("python", f"{platform.python_version()} ({sys.executable})")
    for package in (cuda.build() or "mxnet", *PACKAGES):
        version = _installed(package)
        _line(package, version or "MISSING")
        if not version:
            cure = CURE if package in ("mxnet", "gluoncv") else f"run `pip install {package}`"
            problems.append(f"{package} is not installed: {cure}")
    if cuda.build() and _installed("mxnet"):
        problems.append(
            f"{cuda.build()} and mxnet are one package with two names: uninstall both, then install one"
        )
    _gpus()
    enabled = enable.place().is_file()
    _line("import mxnet", f"works in every program: {enable.place()}" if enabled else DOORS)
    if not any(problem.startswith("mxnet ") for problem in problems):
        problems += _mxnet()
    _data(data_dir)
    print()
    for problem in problems:
        print(f"problem: {problem}")
    if not problems:
        print("nothing is wrong")
    return 1 if problems else 0


def _mxnet() -> list[str]:
    problems = []
    threads = runtime.threads()
    _line("threads", f"{threads.count}: {threads.reason}")
    cores = len(os.sched_getaffinity(0))
    if threads.count > cores:
        problems.append(
            f"OMP_NUM_THREADS={threads.count} is more than the {cores} processors of this process"
        )
    try:
        mx = runtime.mx
    except (UserError, ImportError, OSError) as error:
        return [*problems, f"MXNet does not open: {error}"]
    features = mx.runtime.Features()
    found = [name for name in FEATURES if name in features and features.is_enabled(name)]
    _line("features", ", ".join(found))
    from ..models.faster import WHAT  # opens MXNet, as this function has done

    _line("graph", WHAT)
    devices = ["cpu", *(f"gpu:{number}" for number in cuda.usable(cuda.driver(), cuda.build()))]
    _line("devices", ", ".join(devices))
    return problems + [problem for device in devices if (problem := _multiplication(device))]


def _multiplication(device: str) -> str:
    """Multiply two small matrices on the device; returns a line on the fault, empty if the product is right."""
    mx = runtime.mx
    try:
        with runtime.context(device):
            product = mx.nd.dot(mx.nd.ones((2, 3)), mx.nd.ones((3, 2))).asnumpy()
    except (UserError, mx.MXNetError) as error:
        return f"MXNet does not compute on {device}: {str(error).strip().splitlines()[-1]}"
    if (product == 3).all():
        return ""
    return f"MXNet multiplies wrongly on {device}: ones(2, 3) times ones(3, 2) gave {product.tolist()}"


def _gpus() -> None:
    driver = cuda.driver()
    if driver.gpus:
        _line("driver", f"supports CUDA {cuda.dotted(driver.cuda)}")
    for number, gpu in enumerate(driver.gpus):
        obstacle = cuda.obstacle(number, driver, cuda.build())
        _line(f"gpu:{number}", f"cannot be used: {obstacle}" if obstacle else str(gpu))
    automatic = runtime.automatic()
    _line("device auto", f"{automatic.name}; {automatic.reason}")


def _installed(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _data(data_dir: str | None) -> None:
    from .. import data

    for name, found, where in data.survey(data_dir):
        _line(name, where if found else f"not found: {where}")


def _line(name: str, text: str) -> None:
    print(f"{name:22} {text}")
