"""The rule ignored-values."""

from __future__ import annotations

from collections.abc import Iterable

from ..trace.step import Note, Noted, RunFacts, Step
from . import ERROR, NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule, Severity

KINDS = (
    Noted.VALUES_UNMATCHED,
    Noted.VALUES_MOSTLY_UNMATCHED,
    Noted.VALUES_IGNORED,
    Noted.VALUES_IGNORED_LATE,
)


class IgnoredValues(Rule):
    """Values that are loaded, or given as arg_params, reach the parameters."""

    id, severity = "ignored-values", ERROR
    sees = "load_parameters, load_dict, init_params, set_params and fit: names given, names taken"
    wrong = "net.features.load_parameters(file, allow_missing=True, ignore_extra=True)  # saved by net"
    right = "net.load_parameters(file)  # names must match, and a missing one is an error"

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Say which values were lost since the last step."""
        return _messages(step.noted(*KINDS)) or NOTHING_TO_CHECK

    def at_end(self, run: RunFacts) -> Findings | NothingToCheck:
        """Say which values were lost after the last step."""
        return _messages(run.noted(*KINDS)) or NOTHING_TO_CHECK


def _messages(notes: Iterable[Note]) -> Findings:
    return [Message(*_words(note), note.place) for note in notes]


def _words(note: Note) -> tuple[str, Severity]:
    if note.what in (Noted.VALUES_UNMATCHED, Noted.VALUES_MOSTLY_UNMATCHED):
        taken, given, own = (round(number) for number in note.numbers)
        text = (
            f"of {given} values given, {taken or 'none'} went to the {own} parameters of {note.subject}: {note.detail};"
            " save and load the same block, or leave out allow_missing and ignore_extra (allow_extra) to be told"
        )
        return text, WARNING if taken else ERROR
    ignored = f"the {note.numbers[0]:.0f} values given to this {note.subject} were ignored: it"
    if note.what is Noted.VALUES_IGNORED_LATE:
        text = (
            f"{ignored} goes on from the parameters that it has trained; give force_init=True if it shall not"
        )
        return text, WARNING
    text = (
        f"{ignored} was initialised before, with other values; give force_init=True, or leave out the earlier"
        " init_params"
    )
    return text, ERROR
