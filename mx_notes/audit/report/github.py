"""The audit's findings as GitHub's workflow commands: each marks its line in a pull request."""

from __future__ import annotations

from ..places import in_repository
from .summary import Summary, plural
from .text import printable


def github(summary: Summary) -> str:
    """A line per finding, of all processes, and one with the counts; paths are relative to the repository."""
    lines = []
    for finding, _ in (each for process in summary.processes for each in process.findings):
        about = {"file": in_repository(finding.file), "line": finding.line} if finding.file else {}
        about["title"] = f"{finding.rule} ({finding.when})"
        properties = ",".join(f"{name}={_property(str(value))}" for name, value in about.items())
        lines.append(f"::{finding.severity.value} {properties}::{_data(finding.message)}")
    accepted = sum(len(process.accepted) for process in summary.processes)
    counts = [plural(len(summary.errors), "error"), plural(len(summary.warnings), "warning")]
    return "\n".join([*lines, f"audit: {', '.join(counts)}, {accepted} accepted"])


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
