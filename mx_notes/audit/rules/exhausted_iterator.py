"""The rule exhausted-iterator."""

from __future__ import annotations

from collections.abc import Iterable

from ..trace.step import Note, Noted, RunFacts, Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule


class ExhaustedIterator(Rule):
    """Each loop over a data iterator gets batches: it is reset once it has come to its end."""

    id, severity = "exhausted-iterator", ERROR
    sees = "where loops over an mx.io.DataIter begin and end, in the whole run"
    wrong = "for epoch in range(10):\n    for batch in train_iter:\n        step(batch)"
    right = (
        "for epoch in range(10):\n    train_iter.reset()\n    for batch in train_iter:\n        step(batch)"
    )

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Name the loops that got nothing since the last step."""
        return _messages(step.noted(Noted.ITERATOR_EXHAUSTED)) or NOTHING_TO_CHECK

    def at_end(self, run: RunFacts) -> Findings | NothingToCheck:
        """Name the loops that got nothing after the last step."""
        return _messages(run.noted(Noted.ITERATOR_EXHAUSTED)) or NOTHING_TO_CHECK


def _messages(notes: Iterable[Note]) -> Findings:
    return [Message(_words(note), place=note.place) for note in notes]


def _words(note: Note) -> str:
    line = round(note.numbers[0])
    earlier = "by this loop, earlier" if line == note.place.line else f"on line {line}"
    return (
        f"this loop over the {note.subject} got no batch: the iterator was used up {earlier}, and not reset since; call"
        " its reset() before the loop"
    )
