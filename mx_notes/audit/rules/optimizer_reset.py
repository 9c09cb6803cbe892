"""The rule optimizer-reset."""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary, WeakValueDictionary

from ..trace.ledger import Buffer
from ..trace.step import Noted, Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule, first

REPLACED = (
    "this network was trained before, by an optimiser that is gone, and goes on without its state"
    " (momentum, update counts): keep the Trainer or Module, or save and load its optimizer states"
)


@dataclass(eq=False)
class Updater:
    """One updater, and the parameters that it updates, by name."""

    names: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Held:
    """The optimiser that updated a parameter last."""

    updater: Updater
    optimizer: type
    remembers: bool


class OptimizerReset(Rule):
    """Momentum and update counts last from epoch to epoch."""

    id, severity = "optimizer-reset", ERROR
    sees = "which updater has a state for which parameter, on every step"
    wrong = "for epoch in range(10):\n    trainer = Trainer(...)\n    train(trainer)"
    right = "trainer = Trainer(...)  # once, before the loop"
    note = "v starts at 0 and remembers from update to update."

    def __init__(self) -> None:
        self.held: WeakKeyDictionary[Buffer, Held] = WeakKeyDictionary()
        self.updaters: WeakValueDictionary[int, Updater] = (
            WeakValueDictionary()
        )  # of parameters that are alive
        self.state: Findings | NothingToCheck = NOTHING_TO_CHECK  # the answer while nothing new comes

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look for parameters whose state is gone."""
        replaced = step.noted(Noted.OPTIMIZER_REPLACED)
        if replaced:
            return [Message(REPLACED, place=replaced[0].place)]
        known = all(update.updater in self.updaters for update in step.updates)
        if known and not any(update.fresh_state for update in step.updates):
            return self.state
        updaters = {update.updater: self.updaters.get(update.updater) or Updater() for update in step.updates}
        self.updaters.update(updaters)
        for update in step.updates:
            updaters[update.updater].names.add(update.name)
        lost, checked = [], False
        for update in step.updates:
            if update.buffer is None or update.optimizer is None:
                continue
            before = self.held.get(update.buffer)
            if before is not None and update.remembers:
                checked = True
                # Another set of parameters is another phase, such as fine-tuning after thawing layers.
                same = before.updater.names == updaters[update.updater].names
                kept_one = before.optimizer is update.optimizer and before.remembers
                if kept_one and update.fresh_state and same:
                    lost.append(update.name)
            self.held[update.buffer] = Held(updaters[update.updater], update.optimizer, update.remembers)
        self.state = [] if any(update.remembers for update in step.updates) else NOTHING_TO_CHECK
        if not lost:
            return [] if checked else NOTHING_TO_CHECK
        return first(
            [
                f"the optimiser's state of {lost[0]}{f' and {len(lost) - 1} more' if lost[1:] else ''} was thrown away:"
                " make the Trainer (or call init_optimizer) once, before the loop over epochs"
            ]
        )
