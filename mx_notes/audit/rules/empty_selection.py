"""The rule empty-selection."""

from __future__ import annotations

from collections.abc import Iterable

from ..trace.step import Note, Noted, RunFacts, Step
from . import ERROR, NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule


class EmptySelection(Rule):
    """A pattern given to collect_params matches the name of some parameter."""

    id, severity = "empty-selection", ERROR
    sees = "each collect_params(pattern) whose result is set, initialised or looped over"
    wrong = 'net.collect_params("embedding.*").setattr("grad_req", "null")  # tagger_embedding0_weight'
    right = 'net.collect_params(".*embedding.*").setattr("grad_req", "null")'

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Name the patterns that were used since the last step."""
        return _messages(step.noted(*WORDS)) or NOTHING_TO_CHECK

    def at_end(self, run: RunFacts) -> Findings | NothingToCheck:
        """Name the patterns that were used after the last step."""
        return _messages(run.noted(*WORDS)) or NOTHING_TO_CHECK


# A pattern that is nowhere may be one for networks of many kinds.
WORDS = {
    Noted.SELECTION_ANCHORED: (
        ERROR,
        "patterns are matched from the beginning of a name, and the parameter is called {}: begin with '.*'",
    ),
    Noted.SELECTION_EMPTY: (WARNING, "the network's parameters are called {} and so on"),
}


def _messages(notes: Iterable[Note]) -> Findings:
    found = []
    for note in notes:
        severity, hint = WORDS[note.what]
        text = f"collect_params({note.subject!r}) matches no parameter, so what is asked of its result reaches none: "
        found.append(Message(text + hint.format(note.detail), severity, note.place))
    return found
