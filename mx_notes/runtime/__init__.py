"""The one door to MXNet: every other module says `from mx_notes.runtime import mx`.

MXNet 1.9.1 was released for NumPy 1.x of 2022 and for processors with hyper-threading. Opened
here, it also runs on NumPy 2 and on Python 3.12 and later, and with as many threads as this
process has cores; its CUDA build finds its libraries. Importing this package alone loads neither
MXNet nor NumPy.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from ..errors import UserError
from . import cuda, opening
from .devices import Device, automatic, context, contexts, gpus
from .numpy_names import restore_numpy_names
from .opening import prepare
from .openmp import Threads, running_others, threads, threads_for, use_threads

if TYPE_CHECKING:
    from .mends import Mend

__all__ = [
    "Device",
    "Threads",
    "UserError",
    "automatic",
    "context",
    "contexts",
    "cuda",
    "gpus",
    "mend",
    "prepare",
    "restore_numpy_names",
    "running_others",
    "threads",
    "threads_for",
    "use_threads",
]


def mend() -> list[Mend]:
    """Open MXNet and put right, in this process, what its 1.9.1 computes wrong and Python can mend.

    Returns what is mended. Never done by default: numbers differ from MXNet's own from here on.
    """
    from . import mends

    return mends.apply_all()


def __getattr__(name: str) -> ModuleType:
    """`runtime.mx` and `runtime.gluoncv`, opened at the first use."""
    if name == "mx":
        module = opening.mxnet()
    elif name == "gluoncv":
        module = opening.gluoncv()
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = module
    return module
