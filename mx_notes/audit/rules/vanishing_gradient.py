"""The rule vanishing-gradient."""

from __future__ import annotations

from ..trace.step import Step
from . import NOTHING_TO_CHECK, WARNING, Findings, NothingToCheck, Rule, first
from ._depth import ratios


class VanishingGradient(Rule):
    """The first layers get gradient as the last ones do."""

    id, severity, sampled_only = "vanishing-gradient", WARNING, True
    sees = "samples of the gradients and weights of the first and the last weight matrix"
    wrong = 'for _ in range(12):\n    net.add(Dense(64, activation="sigmoid"))'
    right = 'for _ in range(12):\n    net.add(Dense(64, activation="relu"))'
    note = "Sigmoids make gradients vanish, so ReLU is the usual activation."

    def __init__(self) -> None:
        self.times = 0  # sampled steps in a row

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Compare the two ends of the network; say so at the second time in a row."""
        found = ratios(step)
        if found is None:
            return NOTHING_TO_CHECK
        last = min(found.last)
        self.times = self.times + 1 if found.first < 1e-3 * last else 0
        if self.times != 2:
            return []
        return first(
            [
                f"relative to the weights the first layer's gradient is {found.first / last:.1e} times the last layer's:"
                " it vanishes on the way; use ReLU, a He start, batch normalisation or shortcuts"
            ]
        )
