"""The rule everything-fixed."""

from __future__ import annotations

from ..events import NOWHERE
from ..trace.step import Noted, RunFacts, Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule


class EverythingFixed(Rule):
    """Some parameter is free to move."""

    id, severity = "everything-fixed", ERROR
    sees = "grad_req of bound networks, and the learning rates of updates on sampled steps"
    wrong = 'net.collect_params().setattr("lr_mult", 0)'
    right = 'net.features.collect_params().setattr("lr_mult", 0)'

    def __init__(self) -> None:
        self.still = 0  # steps whose parameters all had the multiplier 0
        self.moved = False
        self.place = NOWHERE  # of the first of them

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """See whether every parameter's learning rate is 0, though the optimiser's is not."""
        rates = [rates.used for rates in step.rates.values()]
        if not step.samples or not any(rates):
            return NOTHING_TO_CHECK
        moved = len(step.samples) < len(step.updates) or any(each.learning_rate for each in step.samples)
        if not moved and not self.still:
            self.place = step.place
        self.moved, self.still = self.moved or moved, self.still + (not moved)
        return []

    def at_end(self, run: RunFacts) -> Findings | NothingToCheck:
        """Judge the whole run: networks may take turns, or be thawed."""
        fixed = run.noted(Noted.EVERYTHING_FIXED)
        if fixed and not run.steps and not run.trained_elsewhere:
            text = (
                "every parameter of the network is fixed (fixed_param_names, or grad_req 'null'): the backward pass"
                " writes no gradient, and the update does nothing"
            )
            return [Message(text, place=fixed[0].place)]
        if self.still and not self.moved:
            return [
                Message(
                    "every parameter that is updated has the lr_mult 0: nothing can move",
                    place=self.place,
                    step=1,
                )
            ]
        return NOTHING_TO_CHECK
