"""What must hold of a step, or of a run. Each rule is a function that reads like its sentence.

    @rule("backward-once", "each gradient buffer is written by one backward pass per step")
    def backward_once(step, memory): ...

It returns None where it had nothing to check, otherwise its findings (texts, or `Message`s), none if the
rule held. `memory` is a dictionary of the rule's own that lasts for the run.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..trace.step import Message, Step

FAMILIES = ("calls", "parameters", "loss", "updates", "network", "batches")


@dataclass(frozen=True)
class Finding:
    """Something that does not hold. severity: "error", the training is wrong; "warning", look at it.

    step: None where it takes the whole run to tell; since: the step from which on it was so.
    """

    rule: str
    severity: str
    message: str
    step: int | None = None
    file: str | None = None
    line: int | None = None
    since: int | None = None


@dataclass(frozen=True)
class Rule:
    """A rule's id, its sentence, and the functions that check it on steps and after the last.

    close: it needs graphs or arrays, which only the steps have that are looked at closely (`Step.deep`).
    """

    id: str
    sentence: str
    severity: str
    close: bool
    on_step: Callable[[Step, dict], Iterable[str | Message] | None]
    at_end: list[Callable[[dict], Iterable[str | Message] | None]] = field(default_factory=list)


RULES: dict[str, Rule] = {}


def rule(id: str, sentence: str, severity: str = "error", close: bool = False):
    """Register a function (step, memory) -> messages of what does not hold, or None."""

    def register(function):
        RULES[id] = Rule(id, sentence, severity, close, function)
        return function

    return register


def at_end(id: str):
    """Register a function (memory) -> messages, called once after the run."""

    def register(function):
        RULES[id].at_end.append(function)
        return function

    return register


def warning(text: str, step: int | None = None) -> Message:
    """A message of an `error` rule that is one to look at only. step: when it began, if not now."""
    return Message(text, "warning", step=step)


for _family in FAMILIES:
    importlib.import_module(f"{__name__}.{_family}")
