"""The rule head-gradient."""

from __future__ import annotations

from ..trace.step import Noted, Step
from . import ERROR, Findings, Message, Rule


class HeadGradient(Rule):
    """Backward gets gradients as its head gradients, not the outputs."""

    id, severity = "head-gradient", ERROR
    sees = "the head gradients that backward is given"
    wrong = "module.backward(module.get_outputs())"
    right = "module.backward([gradient_of_the_loss])"

    def on_step(self, step: Step) -> Findings:
        """Say what was noted."""
        return [
            Message(
                "backward is given the outputs themselves as the gradients of the loss with respect to them: that trains"
                " towards outputs of 0, whatever the labels; compute the loss's gradient, or end the graph in a loss",
                place=note.place,
            )
            for note in step.noted(Noted.OUTPUT_AS_GRADIENT)[:1]
        ]
