"""What an audit can find, as plain data that needs no MXNet."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from .events import Event, Place
from .places import in_words


class Severity(str, Enum):
    """How sure a finding is; in the order of their weight."""

    ERROR = "error"  # the training is wrong
    WARNING = "warning"  # look at it


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
        """The line in that file."""
        return self.place.line

    @property
    def when(self) -> str:
        """When it was seen, in words."""
        if not self.whole_run:
            return f"step {self.step}"
        return f"the run, from step {self.step}" if self.step else "the run"

    def __str__(self) -> str:
        where = f"{in_words(self.place)}: " if self.file else ""
        return f"{self.rule}, {self.when}: {where}{self.message}"


@dataclass(frozen=True)
class Ignore:
    """A comment `# mx-notes: ignore[rule, …] reason` in the user's program, and the statement that it stands beside."""

    file: str
    line: int  # of the comment
    first: int  # line of the statement
    last: int
    rules: tuple[str, ...]
    reason: str

    def accepts(self, finding: Finding) -> bool:
        """Whether the comment is meant for this finding."""
        here = finding.file == self.file and self.first <= (finding.line or 0) <= self.last
        return here and finding.rule in self.rules

    def __str__(self) -> str:
        return f"{in_words(Place(self.file, self.line))}: ignore[{', '.join(self.rules)}]"


@dataclass(frozen=True)
class Accepted:
    """A finding that somebody has decided to live with."""

    finding: Finding
    steps: int  # on which it was seen
    by: str  # where that was said: "a comment", "--ignore", a file
    reason: str = ""

    @property
    def words(self) -> str:
        """Rule, place, and who accepted it why, in one line."""
        where = f" at {in_words(self.finding.place)}" if self.finding.file else ""
        return f"{self.finding.rule}{where}, by {self.by}" + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True)
class StepEvents:
    """The events of one of the first steps, for the timeline."""

    number: int
    sampled: bool
    events: list[Event]


@dataclass(frozen=True)
class NotJudged:
    """Backward passes whose gradients were not held against the loss, for one reason."""

    why: str
    passes: int
    operators: int  # in their graphs, as far as these were seen


@dataclass(frozen=True)
class GradientCheck:
    """What was held against difference quotients of the loss, of all backward passes of a run, and what was not."""

    passes: int  # judged
    parameters: int  # in them
    operators: int  # in them, between these parameters and the loss
    left: list[NotJudged] = field(default_factory=list)

    @property
    def text(self) -> str:
        """One line."""
        judged = f"{self.passes} of {self.passes + sum(each.passes for each in self.left)} backward passes"
        within = f" ({self.parameters} gradients through {self.operators} operators)" if self.passes else ""
        why = "; ".join(
            f"{each.passes}"
            + (f" ({each.operators} operators)" if each.operators else "")
            + f", as {each.why}"
            for each in self.left
        )
        return f"gradients held against the loss: in {judged}{within}" + (f"; not in {why}" if why else "")


@dataclass
class Attestation:
    """What the hooks and MXNet's profiler say of the first steps."""

    steps: int
    passes: int  # backward passes that the hooks counted, those of autograd.grad included
    calls: int  # backward calls of MXNet's C API that the profiler counted
    compared: int  # the hooks' passes whose graph was seen
    expected: dict[str, int] = field(default_factory=dict)  # gradient operator: how often, by those graphs
    executed: dict[str, int] = field(default_factory=dict)  # and how often, by the profiler

    @property
    def contradicted(self) -> bool:
        """Whether the profiler counted something else than the hooks did."""
        return self.calls != self.passes or (self.compared == self.passes and self.expected != self.executed)

    def text(self) -> str:
        """One line."""
        counts = ", ".join(f"{operator} {count} times" for operator, count in sorted(self.executed.items()))
        head = f"the hooks counted {self.passes} backward passes in the first {self.steps} steps, MXNet's profiler"
        if self.contradicted:
            wanted = ", ".join(
                f"{operator} {count} times" for operator, count in sorted(self.expected.items())
            )
            return f"NOT ATTESTED: {head} {self.calls}; it saw {counts}, the graphs ask for {wanted}"
        if self.compared < self.passes or not self.expected:
            return f"attested in part: {head} as many calls; not all graphs were seen, to count operators by"
        return f"attested: {head} as many calls, and the engine executed {counts}, as the graphs ask for"
