"""`mx-notes enable`, `disable`: whether a plain `import mxnet` works for every program of this environment."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from .. import disk
from ..errors import UserError

NAME = "mx_notes_enabled.pth"
# Python runs a line of a .pth file that begins with `import` at each start. mx_notes may be gone by then.
LINE = r'import sys; exec("try:\n import mx_notes\nexcept ModuleNotFoundError:\n pass")' + "\n"


def place() -> Path:
    """The file that `enable` writes."""
    return Path(sysconfig.get_path("purelib"), NAME)


def enable() -> int:
    """Write the file and say so; returns 0. Raises UserError, leaving nothing, where it has no effect."""
    with disk.writing(place()):
        disk.replace(place(), LINE)
    if not _works():
        place().unlink()
        raise UserError(
            f"{sys.executable} does not find mx_notes from another folder: run `pip install --no-deps` on it first"
        )
    print(f"enabled: wrote {place()}; `import mxnet` works in every program of {sys.prefix} from now on")
    print("not in those started by `python -S`; undo it with: mx-notes disable")
    return 0


def disable() -> int:
    """Remove the file and say so; returns 0. Raises UserError if it cannot be removed."""
    if place().is_file():
        with disk.writing(place()):
            place().unlink()
        print(f"disabled: removed {place()}")
    else:
        print(f"nothing to disable: {place()} is not there")
    return 0


def _works() -> bool:
    """Whether a Python that is started elsewhere, and told nothing, has mx_notes in it."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", "import sys; print('mx_notes' in sys.modules)"]
    answer = subprocess.run(command, cwd="/", env=variables, capture_output=True, text=True, check=False)
    return answer.stdout.strip() == "True"
