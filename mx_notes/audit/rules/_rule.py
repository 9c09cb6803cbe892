"""What a rule is, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..events import Place
from ..finding import Severity
from ..trace.step import RunFacts, Step

ERROR, WARNING = Severity.ERROR, Severity.WARNING


@dataclass(frozen=True)
class Message:
    """What does not hold, and what to do.

    `None` means the default: the rule's severity, the line of the step's first update, the step just judged.
    """

    text: str
    severity: Severity | None = None
    place: Place | None = None
    step: int | None = None


Findings = list[Message]  # empty: the rule looked, and it holds


class NothingToCheck:
    """The answer of a rule that had nothing to look at."""


NOTHING_TO_CHECK = NothingToCheck()


class Rule:
    """A property that must hold of a step, or of a run. The docstring of a subclass is its sentence.

    A new instance watches each run; state is in its attributes.
    """

    id: ClassVar[str]
    severity: ClassVar[Severity] = ERROR
    sampled_only: ClassVar[bool] = False  # it needs graphs or arrays, which only sampled steps have
    sees: ClassVar[str]  # what it needs to see, for the documentation
    wrong: ClassVar[str]  # a line or two that break it
    right: ClassVar[str]  # and their cure
    note: ClassVar[str] = ""  # the study note's sentence behind it, where there is one

    @classmethod
    def sentence(cls) -> str:
        """What must hold, in one sentence."""
        return " ".join((cls.__doc__ or "").split("\n\n")[0].split()).rstrip(".")

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Judge a step that is over."""
        return NOTHING_TO_CHECK

    def at_end(self, run: RunFacts) -> Findings | NothingToCheck:
        """Judge the run, after its last step."""
        return NOTHING_TO_CHECK


def warning(text: str, step: int | None = None) -> Message:
    """A finding of an `error` rule that is one to look at only. step: when it began, if not now."""
    return Message(text, WARNING, step=step)


def first(messages: list[Message | str | None], number: int = 1) -> Findings:
    """The first few findings, each text once."""
    found: dict[str, Message] = {}
    for each in filter(None, messages):
        message = Message(each) if isinstance(each, str) else each
        found.setdefault(message.text, message)
    return list(found.values())[:number]
