"""A job of two workers on this machine."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path


def join(script: str) -> None:
    """Make this process one of the workers; MXNet's scheduler and server and the other worker run the same script.

    In those, which end with this process however it ends, it does nothing.
    """
    if "DMLC_ROLE" in os.environ:
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    job = {
        "DMLC_PS_ROOT_URI": "127.0.0.1",
        "DMLC_PS_ROOT_PORT": str(port),
        "DMLC_NUM_SERVER": "1",
        "DMLC_NUM_WORKER": "2",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, sys.path)]),
    }
    program = "import runpy, sys; from mx_notes.runtime import mx; mx.nd; runpy.run_path(sys.argv[1], run_name='__main__')"
    for role in ("scheduler", "server", "worker"):
        subprocess.Popen(
            [sys.executable, "-c", program, script],
            env=os.environ | job | {"DMLC_ROLE": role},
            stdout=subprocess.DEVNULL,
            preexec_fn=_end_with_parent,
        )
    os.environ.update(job | {"DMLC_ROLE": "worker"})


def _end_with_parent() -> None:
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
