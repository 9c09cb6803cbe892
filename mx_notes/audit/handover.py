"""The folder in which the processes of an audited script leave their reports; read without MXNet."""

from __future__ import annotations

from pathlib import Path

from .report.json import summary_of
from .report.summary import Summary

OPTIONS = "MX_NOTES_AUDIT"  # JSON: "folder", "mend" (put MXNet right first), "live", "options" of `audit`
OPENED = ".opened"  # ends the name of a file that says that a process has opened MXNet
DONE = ".json"  # ends the name of a process's report
SO_FAR = ".so-far"  # and of its report while it runs
REQUEST = "request"  # touched when the report so far is wanted
EVERY = 30  # seconds at least from one report so far to the next that nobody asked for


def left(folder: Path) -> dict[str, Summary]:
    """What each process has left, by its id: its report, or the one so far if it never came to its end."""
    files = {path.stem: path for suffix in (SO_FAR, DONE) for path in sorted(folder.glob(f"*{suffix}"))}
    return {pid: summary_of(path.read_text(encoding="utf-8")) for pid, path in files.items()}


def written(folder: Path) -> int:
    """When the newest report so far was written, in nanoseconds; 0 for none."""
    return max((path.stat().st_mtime_ns for path in folder.glob(f"*{SO_FAR}")), default=0)


def request(folder: Path) -> int:
    """Ask for reports so far; returns the time, in nanoseconds."""
    file = folder / REQUEST
    file.touch()
    return requested(folder)


def requested(folder: Path) -> int:
    """When a report so far was last asked for, in nanoseconds; 0 for never."""
    try:
        return (folder / REQUEST).stat().st_mtime_ns
    except OSError:
        return 0
