"""The rule gradient-carryover."""

from __future__ import annotations

from ..trace.step import Step
from . import ERROR, NOTHING_TO_CHECK, Findings, NothingToCheck, Rule, first
from ._words import some


class GradientCarryover(Rule):
    """With grad_req='add', every gradient is cleared between updates."""

    id, severity = "gradient-carryover", ERROR
    sees = "what writes gradients that accumulate, on every step"
    wrong = "loss.backward()\ntrainer.step(n)  # parameters have grad_req='add'"
    right = "loss.backward()\ntrainer.step(n)\nnet.collect_params().zero_grad()"

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look for gradients that still held what the last update used."""
        adding = [update for update in step.updates if update.accumulates]
        if not adding:
            return NOTHING_TO_CHECK
        kept = [update.name for update in adding if update.uncleared]
        if not kept:
            return []
        return first(
            [
                f"the gradient of {some(kept)} has grad_req='add' and was not cleared after the update before: old"
                " gradients are applied again; call zero_grad() after each update"
            ]
        )
