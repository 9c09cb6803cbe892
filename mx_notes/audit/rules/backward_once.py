"""The rule backward-once."""

from __future__ import annotations

from ..trace.step import Step
from . import ERROR, NOTHING_TO_CHECK, Findings, NothingToCheck, Rule, first
from ._words import some


class BackwardOnce(Rule):
    """Each gradient is written by exactly one backward pass per device between two updates."""

    id, severity = "backward-once", ERROR
    sees = "which backward pass wrote which gradient, and which update used it, on every step"
    wrong = "loss_a.backward()\nloss_b.backward()\ntrainer.step(n)  # with grad_req='write'"
    right = "(loss_a + loss_b).backward()\ntrainer.step(n)"
    note = (
        "Backward starts once the whole batch has gone forward: forward_backward is forward, then backward."
    )

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look for gradients that no pass wrote, and for gradients that were overwritten unused."""
        seen = [update for update in step.updates if update.buffer is not None]
        if not seen and not step.lost:
            return NOTHING_TO_CHECK
        messages = []
        stale = [update.name for update in seen if update.stale]
        if stale:
            messages.append(
                f"the update applied a stale gradient of {some(stale)}: no backward pass had written it since the"
                " update before; call backward once before each update"
            )
        if step.lost and step.number > 1:  # before the first update a pass may have been a dry run
            messages.append(
                f"a second backward pass overwrote the gradient of {some(step.lost)} before anybody used the first;"
                " add the losses and call backward once, or use grad_req='add' and clear the gradients after the update"
            )
        return first(messages, 2)
