"""What an audit found, as plain data: all reports are written from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ..finding import Attestation, Finding, Severity, StepEvents


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
            return f"held on {plural(self.steps, 'step')}" if self.steps else "held over the run"
        return "stopped" if self.state is State.STOPPED else "nothing to check"


@dataclass(frozen=True)
class Summary:
    """One audit. findings: the first of each kind, errors first, with the number of steps on which it was seen."""

    script: str | None
    status: int | None  # of the script that was run; None: no script, or it has not ended
    steps: int
    findings: list[tuple[Finding, int]]
    rules: list[RuleState]
    calls: Mapping[str, Mapping[int, int]]  # of each kind: how often it ran in a step, in how many steps
    failures: list[str]  # parts of the audit that stopped
    remarks: list[str]  # what the audit could not see
    first_steps: list[StepEvents]
    found_on: Mapping[int, list[Finding]]  # findings by the number of a first step
    attestation: Attestation | None
    versions: Mapping[str, str]
    children: list[Summary] = field(default_factory=list)  # of the script's processes that trained, too
    mended: list[str] = field(default_factory=list)  # parts of MXNet that were put right

    @property
    def errors(self) -> list[Finding]:
        """The findings that say that the training is wrong, in any of its processes."""
        own = [finding for finding, _ in self.findings if finding.severity is Severity.ERROR]
        return own + [finding for child in self.children for finding in child.errors]

    @property
    def is_wrong(self) -> bool:
        """Whether an error was found, or the second witness contradicts the first."""
        return bool(self.errors or (self.attestation and self.attestation.contradicted))


def plural(number: int, thing: str) -> str:
    """ "1 step", "2 steps"."""
    return f"{number:,} {thing}{'s' * (number != 1)}"
