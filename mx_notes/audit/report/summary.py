"""What an audit found, as plain data: all reports are written from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ..finding import Accepted, Attestation, Finding, GradientCheck, Ignore, Severity, StepEvents


class State(Enum):
    """What became of a rule."""

    ERROR = "error"
    WARNING = "warning"
    ACCEPTED = "accepted"  # what it found was accepted
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
        if self.state is State.ACCEPTED:
            return "found, accepted"
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
    gradients: GradientCheck | None = None  # None: the check was off, or nothing is known
    children: list[Summary] = field(default_factory=list)  # of the script's processes that trained, too
    mended: list[str] = field(default_factory=list)  # parts of MXNet that were put right
    program: str | None = None  # the script's file
    accepted: list[Accepted] = field(default_factory=list)  # findings that are not among `findings`
    sampled: list[int] = field(default_factory=list)  # the steps whose graphs and values were looked at
    ignores: list[Ignore] = field(default_factory=list)  # the comments in the program that accept findings

    @property
    def processes(self) -> list[Summary]:
        """This one and all its children."""
        return [self, *(each for child in self.children for each in child.processes)]

    @property
    def errors(self) -> list[Finding]:
        """The findings that say that the training is wrong, in any of its processes."""
        return self._of(Severity.ERROR)

    @property
    def warnings(self) -> list[Finding]:
        """The findings that are worth a look, in any of its processes."""
        return self._of(Severity.WARNING)

    def _of(self, severity: Severity) -> list[Finding]:
        return [
            finding for each in self.processes for finding, _ in each.findings if finding.severity is severity
        ]

    @property
    def unused(self) -> list[tuple[Ignore, str]]:
        """The comments, with the rule, that accept nothing in any of the processes, though the rule had a look."""
        idle = (State.UNCHECKED, State.STOPPED)
        judged = {rule.id for each in self.processes for rule in each.rules if rule.state not in idle}
        found = [accepted.finding for each in self.processes for accepted in each.accepted]
        there = dict.fromkeys(ignore for each in self.processes for ignore in each.ignores)
        return [
            (ignore, rule)
            for ignore in there
            for rule in ignore.rules
            if rule in judged
            and not any(finding.rule == rule and ignore.accepts(finding) for finding in found)
        ]

    @property
    def is_wrong(self) -> bool:
        """Whether an error was found, or the second witness contradicts the first."""
        return bool(self.errors or (self.attestation and self.attestation.contradicted))


def plural(number: int, thing: str) -> str:
    """ "1 step", "2 steps"."""
    return f"{number:,} {thing}{'s' * (number != 1)}"
