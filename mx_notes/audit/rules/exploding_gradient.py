"""The rule exploding-gradient."""

from __future__ import annotations

from ..trace.step import Step
from . import NOTHING_TO_CHECK, WARNING, Findings, NothingToCheck, Rule, first
from ._depth import ratios


class ExplodingGradient(Rule):
    """No layer's gradient is out of proportion to its weights."""

    id, severity, sampled_only = "exploding-gradient", WARNING, True
    sees = "samples of the gradients and weights of the first and the last weight matrix"
    wrong = "net.initialize(mx.init.Normal(1))  # a deep network"
    right = "net.initialize(mx.init.Xavier())"

    def __init__(self) -> None:
        self.times = 0  # sampled steps in a row

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Compare the two ends of the network; say so at the second time in a row."""
        found = ratios(step)
        if found is None:
            return NOTHING_TO_CHECK
        last = max(found.last)
        self.times = self.times + 1 if found.first > 100 * last > 0 else 0
        if self.times != 2:
            return []
        return first(
            [
                f"relative to the weights the first layer's gradient is {found.first / last:.1e} times the last layer's:"
                " it explodes on the way; start smaller, clip it, or normalise"
            ]
        )
