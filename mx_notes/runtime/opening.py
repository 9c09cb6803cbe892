"""Opening MXNet, and GluonCV beside it, in a process that has been prepared for them."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType

from ..errors import UserError
from . import cuda, late
from .numpy_names import restore_numpy_names
from .openmp import at_opening
from .python_names import restore_python_names

# For every Python: on 3.13 pip refuses MXNet, whose metadata ask for NumPy 1.x, beside NumPy 2.
CURE = "run `pip install --no-deps mxnet==1.9.1 gluoncv==0.10.5.post0`"


def mxnet() -> ModuleType:
    """The module `mxnet`. Raises UserError if it is not installed, or if a library of its CUDA build is missing."""
    return _open("mxnet")


def gluoncv() -> ModuleType:
    """The module `gluoncv`, MXNet's model zoo for images. Raises UserError as `mxnet` does."""
    mxnet()
    return _open("gluoncv")


def prepare() -> None:
    """Make a plain `import mxnet` work in this process; costs nothing when repeated.

    Gives NumPy and Python's library the names that they lack and programs of MXNet's time read, and sets, unless the user has,
    `OMP_NUM_THREADS` (see `threads`), `MXNET_SUBGRAPH_VERBOSE=0` (else MXNet prints a line at every bind) and
    `MXNET_CPU_PARALLEL_SIZE` (the number of values from which several threads copy an array) so high that
    one thread copies all. If the CUDA build is installed, loads CUDA's libraries (UserError if one is missing) and sets, unless the
    user has, `NVIDIA_TF32_OVERRIDE=0`.
    """
    os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")
    os.environ.setdefault("OMP_NUM_THREADS", str(at_opening().count))
    # Copies into MXNet run in the thread that asks for them. With OpenMP, that thread would start a team of
    # threads of its own beside the engine's. With more threads than processors, libgomp's threads no longer
    # spin but sleep between operators (gomp_throttled_spin_count_var), which costs a training step a sixth.
    os.environ.setdefault("MXNET_CPU_PARALLEL_SIZE", str(2**31 - 1))
    if "mxnet.base" not in sys.modules:  # which opens MXNet's library
        restore_numpy_names()
        restore_python_names()
        if cuda.build():
            # Else cuDNN multiplies float32 on GPUs of 8.x with 10 bits of mantissa, and the audit's sums,
            # right to 1e-4 in float32, no longer agree.
            os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
            cuda.load()


@contextmanager
def opening(package: str) -> Iterator[None]:
    """Prepare for `mxnet` or `gluoncv`, whose own start is run within, and mend it afterwards.

    `mx_notes.on_import` opens them so, whoever imports them; scikit-learn, for which MXNet did not wait; and NumPy.
    """
    if package == late.BASE:
        yield
        late.arrived()
        return
    if package == "numpy":
        yield
        restore_numpy_names()
        return
    prepare()
    with warnings.catch_warnings(), ExitStack() as held:
        warnings.filterwarnings("ignore", message="distutils Version classes are deprecated")
        if package == "gluoncv":  # which can use PyTorch as well, and refuses any from 2.0 on
            held.enter_context(_hidden("torch"))
        else:
            held.enter_context(late.postponed())
        yield
    _mend(package)


def _open(package: str) -> ModuleType:
    prepare()
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise UserError(f"{package} is not installed: {CURE}") from None
    _mend("mxnet")  # it may have been imported before mx_notes was
    return module


def _mend(package: str) -> None:
    from .numpy2 import mend  # needs MXNet

    mend(package)


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """Make the package seem not to be installed."""
    before = sys.modules.get(package)
    sys.modules[package] = None
    try:
        yield
    finally:
        del sys.modules[package]
        if before is not None:
            sys.modules[package] = before
