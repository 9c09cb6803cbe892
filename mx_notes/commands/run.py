"""`mx-notes run`: a program as `python PROGRAM` runs it, in which `import mxnet` works."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import NoReturn

from ..errors import UserError
from ..runtime.opening import CURE
from . import child

MEND = "mx_notes.runtime.mends:begin"


def run(script: Path | None, module: list[str] | None, arguments: list[str], mend: bool = False) -> NoReturn:
    """Become `python SCRIPT ARGUMENTS` or, with `module` (its name and arguments), `python -m MODULE`.

    The program takes this process's place, with its streams, signals and exit status; its children of every
    kind are prepared as it is. mend: put right what MXNet itself computes wrong. Raises UserError for what cannot
    be run.
    """
    command = child.command(script, module, arguments)
    if importlib.util.find_spec("mxnet") is None:
        raise UserError(f"mxnet is not installed: {CURE}")
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.execve(command[0], command, child.environment(then=MEND if mend else ""))
