"""The rule no-progress."""

from __future__ import annotations

import math

import numpy as np

from ..events import NOWHERE
from ..trace.step import Look, RunFacts, Step
from . import NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule
from ._guesses import classified, regressed

ENOUGH = 64  # steps after which a network for few classes has left a constant guess behind
MANY = 1024  # and one for many
FEW = 20  # classes
FEWEST = 16  # examples of a batch, for a loss that can be trusted
LEFT = 0.97  # of the constant guess's loss: below it something has been learned


class NoProgress(Rule):
    """After enough steps the loss is below that of a constant guess."""

    id, severity = "no-progress", WARNING
    sees = "the loss on sampled steps, beside that of the best constant guess"
    wrong = 'Trainer(net.collect_params(), "sgd", {"learning_rate": 1e-6})'
    right = 'Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})'

    def __init__(self) -> None:
        self.losses: dict[int, float] = {}  # by step, relative to a constant guess
        self.enough, self.place = ENOUGH, NOWHERE
        self.trained: set[frozenset[int]] = (
            set()
        )  # the updaters of a step: networks that take turns are rivals

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Take down the loss of a sampled step."""
        self.trained.add(frozenset(update.updater for update in step.updates))
        relative = [found for look in step.looks[:1] for found in self._relative(look)]
        if step.sampled and relative:
            self.losses[step.number], self.place = relative[0], step.place
        return NOTHING_TO_CHECK

    def _relative(self, look: Look) -> list[float]:
        found = []
        for examples in classified(look.graph):
            classes = examples.values.shape[1]
            if len(examples.labels) >= FEWEST and np.ptp(examples.labels):
                self.enough = ENOUGH if classes <= FEW else MANY
                found.append(examples.loss / math.log(classes))
        for predictions, targets in regressed(look.graph):
            variance = float(targets.var(axis=0).sum())
            if len(targets) >= FEWEST and variance > 0:
                found.append(float(np.square(predictions - targets).mean(axis=0).sum()) / variance)
        return found

    def at_end(self, run: RunFacts) -> Findings | NothingToCheck:
        """Hold the latest losses against a constant guess and against the first."""
        late = [loss for step, loss in self.losses.items() if step >= self.enough]
        if not late or len(self.trained) > 1:
            return NOTHING_TO_CHECK
        first, last, latest = self.losses[min(self.losses)], late[-1], max(self.losses)
        if math.isfinite(last) and last < LEFT:
            return []
        if not math.isfinite(last) or last > max(1.5, 1.5 * first):
            seen = (
                "has become worse than at the start: the learning rate is far too large, or its sign is wrong"
            )
        else:
            seen = (
                "is still that of a constant guess: look at the learning rate and the weight decay, at whether the labels"
                " belong to the data (shuffled together?), and at the scale of the inputs"
            )
        return [Message(f"after {latest} steps the loss {seen}", place=self.place, step=latest)]
