"""The rule unused-multiplier."""

from __future__ import annotations

from collections.abc import Iterable

from ..trace.step import Note, Noted, RunFacts, Step
from . import ERROR, NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule, Severity

KINDS = (
    Noted.MULTIPLIER_OF_TRAINER,
    Noted.MULTIPLIER_OF_SYMBOL,
    Noted.MULTIPLIER_UNKNOWN,
    Noted.MULTIPLIERS_REPLACED,
)


class UnusedMultiplier(Rule):
    """A multiplier of learning rate or weight decay reaches the update of its parameter."""

    id, severity = "unused-multiplier", ERROR
    sees = "set_lr_mult, set_wd_mult and the symbol's attributes against what the first updates use"
    wrong = 'mx.sym.Variable("w", lr_mult=0)\nmx.optimizer.SGD(rescale_grad=1 / n)  # has no symbol'
    right = 'mx.sym.Variable("w", lr_mult=0)\nmx.optimizer.SGD(rescale_grad=1 / n, sym=net)'

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Compare what was asked for with what was used."""
        return _messages(step.noted(*KINDS)) or NOTHING_TO_CHECK

    def at_end(self, run: RunFacts) -> Findings | NothingToCheck:
        """Name what no update has used."""
        return _messages(run.noted(*KINDS)) or NOTHING_TO_CHECK


def _messages(notes: Iterable[Note]) -> Findings:
    return [Message(*_words(note), note.place) for note in notes]


def _words(note: Note) -> tuple[str, Severity]:
    call, mult = f"set_{note.subject}_mult", f"{note.subject}_mult"
    if note.what is Noted.MULTIPLIERS_REPLACED:
        text = (
            f"the multipliers of this {call} never reached an update ({note.detail} among them): a second {call}"
            " replaced all of them; give them in one call"
        )
        return text, ERROR
    if note.what is Noted.MULTIPLIER_UNKNOWN:
        unknown, given = (round(number) for number in note.numbers)
        text = (
            f"{call} has {note.detail}, which no parameter is called that the optimiser updates: {unknown} of its {given}"
            " multipliers reach nothing; without a symbol or param_idx2name an optimiser knows indices only"
        )
        return text, ERROR if unknown == given else WARNING
    asked, used = note.numbers
    if note.what is Noted.MULTIPLIER_OF_TRAINER:
        text = (
            f"{call} gives {note.detail} {asked:.4g}, the update used {used:.4g}: a Trainer's optimiser asks each"
            f" Parameter; set its {mult}, as in net.collect_params(pattern).setattr({mult!r}, {asked:.4g})"
        )
        return text, ERROR
    text = (
        f"the symbol's {note.detail} has {mult}={asked:.4g}, the update used {used:.4g}: this optimiser was not given the"
        " symbol; make it with sym=net (and param_idx2name), or name it by a string and let Module make it"
    )
    # Files of pretrained networks have many a decay multiplier on their variables.
    return text, ERROR if note.subject == "lr" else WARNING
