"""The rule changed-since-forward."""

from __future__ import annotations

from ..trace.step import Noted, Step
from . import ERROR, Findings, Message, Rule


class ChangedSinceForward(Rule):
    """What a forward pass has read is the same when its backward pass reads it again."""

    id, severity = "changed-since-forward", ERROR
    sees = "what is written between recording and backward: by operators, by optimisers, from NumPy"
    wrong = "loss_of_head.backward()\nheads.step(n)  # writes weights that `loss` was computed with\nloss.backward()"
    right = "loss.backward()\nloss_of_head.backward()\nheads.step(n)"
    note = "Backward starts once the whole batch has gone forward, and with the same numbers."

    def __init__(self) -> None:
        self.out_of_order = False  # the whole update came before backward, which call-order says

    def on_step(self, step: Step) -> Findings:
        """Say what was noted."""
        self.out_of_order = self.out_of_order or bool(step.noted(Noted.UPDATE_BEFORE_BACKWARD))
        if self.out_of_order:
            return []
        return [
            Message(
                f"{note.subject or 'an array'} is written here, after the forward pass that has read it and before its"
                " backward pass, which multiplies by the new values: the gradient is none of any loss; call backward first",
                place=note.place,
            )
            for note in step.noted(Noted.CHANGED_SINCE_FORWARD)[:1]
        ]
