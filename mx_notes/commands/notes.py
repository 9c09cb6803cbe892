"""`mx-notes notes`: the note's claims, listed or measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..notes import execute
from ..notes.claim import Setting


def report(only: Sequence[str] | None, seed: int, quick: bool, out: Path, listed: bool) -> int:
    """Measure the claims of these ids (None: all) into the folder `out`, or list all; returns the exit status.

    Raises UserError as `notes.execute.run` does.
    """
    if listed:
        print(execute.listing())
        return 0
    return execute.run(only, Setting(seed, quick), out)
