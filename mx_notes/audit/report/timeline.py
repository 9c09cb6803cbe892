"""Where the marks of a drawn timeline stand: a row per step, its events from left to right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count, groupby, islice

from ..events import Event, Kind
from ..finding import Finding, StepEvents

MOST_MARKS = 16  # of one step; the others are counted in words
# Pixels.
LANE, PADDING, GAP = 26, 7, 6  # a lane's height, above and below a row's lanes, between two marks
MARK_HEIGHT, ARROW = 18, 24
CHARACTER, BOLD = 7.2, 8.2  # a character's width at most, near enough
FLAG = 32  # around a finding's name
NUMBER, NAMES = 76, 86  # the columns of steps and of executors
WORDS = {"training": "forward", "inference": "forward in inference mode", "backward": "backward"}


@dataclass(frozen=True)
class Mark:
    """One event, or several alike in a row."""

    kind: str  # "training" or "inference", which are forward passes, "backward" or "update"
    count: int
    executor: str  # "" for updates, which are of parameters
    label: str  # what is written on it
    x: float
    y: float
    width: float
    height: float

    @property
    def words(self) -> str:
        """The mark in words."""
        if self.kind == "update":
            return f"{self.count} parameter update{'s' * (self.count > 1)}"
        return WORDS[self.kind] + (f" ×{self.count}" if self.count > 1 else "")


@dataclass(frozen=True)
class Row:
    """One step."""

    number: int
    sampled: bool  # its graph and values were looked at
    lanes: list[tuple[str, float]]  # executors, with the y of their marks' centre
    marks: list[Mark]
    hidden: int  # events after the last mark
    flags: list[tuple[float, Finding]]  # with the x at which they begin
    end: float  # x after the last of all
    y: float
    height: float

    @property
    def words(self) -> str:
        """The step in words."""
        several = len(self.lanes) > 1
        parts = [
            mark.words + (f" ({mark.executor})" if several and mark.executor else "") for mark in self.marks
        ]
        return ", ".join([*parts, f"and {self.hidden} more events"] if self.hidden else parts)


@dataclass(frozen=True)
class Timeline:
    """Rows of steps with the size of the drawing, in pixels."""

    rows: list[Row]
    left: float  # x of the first marks
    width: float
    height: float


def timeline(steps: Iterable[StepEvents], found: Mapping[int, list[Finding]]) -> Timeline:
    """Lay out these steps. found: findings by the number of the step on which they were seen."""
    steps = list(steps)
    names = executor_names(steps)
    left = NUMBER + (NAMES if len(names) > 1 else 0)
    rows: list[Row] = []
    y = 0.0
    for step in steps:
        rows.append(_row(step, names, found.get(step.number, []), left, y))
        y += rows[-1].height
    return Timeline(rows, left, max((row.end for row in rows), default=left), y)


def executor_names(steps: Iterable[StepEvents]) -> dict[object, str]:
    """Names for the executors, which have none, in order of appearance."""
    executors = dict.fromkeys(executor for step in steps for executor in _executors(step))
    number = count(1)
    return {e: e if isinstance(e, str) else f"executor {next(number)}" for e in executors}


def _executors(step: StepEvents) -> list:
    return [event.source for event in step.events if event.kind is not Kind.UPDATE]


def _row(step: StepEvents, names: dict[object, str], findings: list[Finding], left: float, y: float) -> Row:
    present = set(_executors(step))
    lanes = [name for executor, name in names.items() if executor in present]
    height = max(len(lanes), 1) * LANE + 2 * PADDING
    centres = {name: y + PADDING + LANE * (n + 0.5) for n, name in enumerate(lanes)}
    marks: list[Mark] = []
    x = left
    for (kind, executor), alike in islice(groupby(step.events, _alike), MOST_MARKS):
        name = names.get(executor, "")
        mark = _mark(kind, len(list(alike)), name, x, centres.get(name), y, height)
        marks.append(mark)
        x += mark.width + GAP
    hidden = len(step.events) - sum(mark.count for mark in marks)
    if hidden:
        x += CHARACTER * len(f"+ {hidden} more") + GAP
    flags = []
    for finding in findings:
        flags.append((x + GAP, finding))
        x += BOLD * len(finding.rule) + FLAG
    return Row(step.number, step.sampled, list(centres.items()), marks, hidden, flags, x, y, height)


def _alike(event: Event) -> tuple[str, object]:
    """The kind of mark and the executor of an event; updates are merged whatever the parameter."""
    if event.kind is Kind.UPDATE:
        return event.kind.value, None
    if event.kind is Kind.FORWARD:
        return "training" if event.training else "inference", event.source
    return event.kind.value, event.source


def _mark(
    kind: str, count: int, executor: str, x: float, centre: float | None, y: float, height: float
) -> Mark:
    times = f"×{count}" if count > 1 else ""
    label = f"update {times}".strip() if kind == "update" else times
    width = max(ARROW, CHARACTER * len(label) + 16)
    if kind == "update":
        return Mark(kind, count, executor, label, x, y + PADDING + 4, width, height - 2 * PADDING - 8)
    return Mark(kind, count, executor, label, x, centre - MARK_HEIGHT / 2, width, MARK_HEIGHT)
