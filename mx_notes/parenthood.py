"""Processes that do not outlive the one that started them."""

from __future__ import annotations

import ctypes
import signal

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1  # sys/prctl.h


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it has ended, however that came."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
