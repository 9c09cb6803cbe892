"""A program under `with audit()` in this process: many of them take a second each, where processes take three."""

import runpy
import sys
from contextlib import suppress
from pathlib import Path

from mx_notes import audit
from mx_notes.audit.watch import StopAudit, Watch


def audited(program: Path, **options) -> Watch:
    """Run a program as `python PROGRAM` and return what the audit saw; its own exceptions pass through."""
    before = sys.argv, sys.path[:]
    sys.argv = [str(program)]
    sys.path.insert(0, str(program.parent))
    try:
        with audit(**options) as watch, suppress(StopAudit):
            runpy.run_path(str(program), run_name="__main__")
        return watch
    finally:
        sys.argv, sys.path[:] = before
