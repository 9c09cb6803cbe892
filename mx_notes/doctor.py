"""`mx-notes doctor`: what is here, and what is wrong with it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys

from . import runtime
from .errors import UserError

PACKAGES = (
    "mxnet",
    "gluoncv",
    "numpy",
    "scikit-learn",
    "opencv-python-headless",
    "matplotlib",
    "tensorboardX",
)
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
    for package in PACKAGES:
        try:
            _line(package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            _line(package, "MISSING")
            problems.append(f"{package} is not installed: run `make venv`")
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
    gpus = runtime.gpus()
    _line("devices", "cpu" + "".join(f", gpu:{i}" for i in range(gpus)))
    if "CUDA" in found and not gpus:
        _line("", "no GPU: this is MXNet's CUDA build, but the driver offers none")
    product = mx.nd.dot(mx.nd.ones((2, 3)), mx.nd.ones((3, 2))).asnumpy()
    if not (product == 3).all():
        problems.append(f"MXNet multiplies wrongly: ones(2, 3) times ones(3, 2) gave {product.tolist()}")
    return problems


def _data(data_dir: str | None) -> None:
    from . import data

    for name, found, where in data.survey(data_dir):
        _line(name, where if found else f"not found: {where}")


def _line(name: str, text: str) -> None:
    print(f"{name:22} {text}")
