"""How a run is gone on with, in words for a shell."""

from __future__ import annotations

import shlex
from pathlib import Path

JOB = "MX_NOTES_JOB"  # the environment variable in which `launch` tells workers the command before their own
KEPT = 2  # newest checkpoints that stay where nothing else is asked


def resuming(out: Path, every: int | None, keep: int) -> str:
    """The arguments of `mx-notes` that go on with the run in `out` as it was asked for, for a shell."""
    flags = [] if every is None else ["--checkpoint-every", str(every)]
    flags += [] if keep == KEPT else ["--keep", str(keep)]
    return shlex.join(["train", "--resume", str(out), *flags])
