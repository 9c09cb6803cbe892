"""The rule train-mode."""

from __future__ import annotations

from ..events import Kind
from ..finding import Severity
from ..trace.step import Noted, Step
from . import ERROR, NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule

TEXTS = {
    Noted.FORWARD_WITHOUT_BACKWARD: "forward ran in training mode and no backward followed it",
    Noted.BACKWARD_OF_INFERENCE: "backward followed a forward that did not run in training mode",
    Noted.UPDATE_OF_INFERENCE: "the update used a backward pass whose forward ran in predict mode",
    Noted.RECORDING_WITHOUT_BACKWARD: "a recorded forward was never differentiated: evaluation inside record()",
    Noted.MODE_CHANGED_IN_FLIGHT: "training and evaluation followed each other before the first was done: an executor has"
    " one mode for both, and what is still queued runs in the second's, as without Dropout; mx.nd.waitall() in between",
}


class TrainMode(Rule):
    """The forward of a backward pass runs in training mode, and evaluation does not."""

    id, severity = "train-mode", ERROR
    sees = "the mode of every forward pass, and whether a backward pass follows"
    wrong = "with autograd.record():\n    scores = net(validation_images)"
    right = "scores = net(validation_images)"

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Say what was noted while the step ran."""
        if not any(event.kind is Kind.FORWARD for event in step.events):
            return NOTHING_TO_CHECK
        return [
            Message(TEXTS[note.what], _severity(note.what), place=note.place) for note in step.noted(*TEXTS)
        ]


def _severity(what: Noted) -> Severity:
    """An error, but for what depends on timing."""
    return WARNING if what is Noted.MODE_CHANGED_IN_FLIGHT else ERROR
