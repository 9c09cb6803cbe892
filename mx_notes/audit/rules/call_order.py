"""The rule call-order."""

from __future__ import annotations

from ..trace.step import Noted, Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule

TEXTS = {
    Noted.BACKWARD_WITHOUT_FORWARD: "backward ran without a forward of this batch before it",
    Noted.BACKWARD_WITHOUT_RECORDING: "backward ran without a recorded forward since the last one",
    Noted.UPDATE_BEFORE_BACKWARD: "the update came before the backward pass of its batch",
}


class CallOrder(Rule):
    """Forward, then backward, then update, for the same batch."""

    id, severity = "call-order", ERROR
    sees = "the order of forward, backward and update, on every step"
    wrong = "module.forward(batch)\nmodule.update()\nmodule.backward()"
    right = "module.forward_backward(batch)\nmodule.update()"
    note = (
        "Backward starts once the whole batch has gone forward: forward_backward is forward, then backward."
    )

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Say what was noted while the step ran."""
        if not step.updates:
            return NOTHING_TO_CHECK
        return [Message(TEXTS[note.what], place=note.place) for note in step.noted(*TEXTS)]
