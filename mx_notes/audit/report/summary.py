"""What an audit found, as plain data: all reports are written from it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from importlib import metadata

import numpy as np

from ...runtime import mx
from ..attest import Attestation
from ..rules import Severity
from ..trace.step import Place, Step


@dataclass(frozen=True)
class Finding:
    """Something that does not hold, as it was first seen."""

    rule: str
    severity: Severity
    message: str
    step: int  # from which on it was so
    whole_run: bool  # it took the whole run to tell
    place: Place

    @property
    def file(self) -> str | None:
        """The user's file, where it is known."""
        return self.place.file

    @property
    def line(self) -> int | None:
        """And the line in it."""
        return self.place.line

    @property
    def when(self) -> str:
        """When it was seen, in words."""
        return f"the run, from step {self.step}" if self.whole_run else f"step {self.step}"

    def __str__(self) -> str:
        where = f"{self.place.file}:{self.place.line}: " if self.place.file else ""
        return f"{self.rule}, {self.when}: {where}{self.message}"


class State(Enum):
    """What became of a rule."""

    ERROR = "error"
    WARNING = "warning"
    HELD = "held"
    UNCHECKED = "unchecked"  # it had nothing to look at
    STOPPED = "stopped"  # it failed, which is a fault of the audit's own


@dataclass(frozen=True)
class RuleState:
    """One rule over the run."""

    id: str
    sentence: str
    state: State
    steps: int  # on which it had something to look at

    @property
    def words(self) -> str:
        """The state in words."""
        if self.state in (State.ERROR, State.WARNING):
            return f"{self.state.value} found"
        if self.state is State.HELD:
            return f"held on {plural(self.steps, 'step')}"
        return "stopped" if self.state is State.STOPPED else "nothing to check"


@dataclass(frozen=True)
class Summary:
    """One audit. findings: the first of each kind, errors first, with the number of steps on which it was seen."""

    script: str | None
    steps: int
    findings: list[tuple[Finding, int]]
    rules: list[RuleState]
    calls: Mapping[str, Mapping[int, int]]  # of each kind: how often it ran in a step, in how many steps
    failures: list[str]  # parts of the audit that stopped
    remarks: list[str]  # what the audit could not see
    first_steps: list[Step]
    found_on: Mapping[int, list[Finding]]  # findings by the number of a first step
    attestation: Attestation | None
    versions: Mapping[str, str]

    @property
    def errors(self) -> list[Finding]:
        """The findings that say that the training is wrong."""
        return [finding for finding, _ in self.findings if finding.severity is Severity.ERROR]


def plural(number: int, thing: str) -> str:
    """ "1 step", "2 steps"."""
    return f"{number:,} {thing}{'s' * (number != 1)}"


def versions() -> dict[str, str]:
    """The versions that a report depends on."""
    found = {
        "MXNet": mx.__version__,
        "NumPy": np.__version__,
        "Python": platform.python_version(),
    }
    with suppress(metadata.PackageNotFoundError):  # run from a checkout
        found["mx_notes"] = metadata.version("mx_notes")
    return found
