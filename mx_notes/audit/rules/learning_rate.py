"""The rule learning-rate."""

from __future__ import annotations

from ..trace.step import Note, Noted, RunFacts, Step
from . import ERROR, NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule, first, warning
from ._schedules import courses

FEWEST = 40  # steps, to tell a schedule by
EARLY = 0.15  # of the steps: a schedule whose last change lies before that
DEFAULT = 0.01  # the base_lr of a schedule that was given none


class LearningRate(Rule):
    """The learning rate that the program asks for reaches the update."""

    id, severity = "learning-rate", ERROR
    sees = "the rate asked for and the rate in use on every step; what schedules are made for and asked"
    wrong = "trainer._optimizer.lr = 0.01  # under a scheduler, which overrules it"
    right = "trainer.set_learning_rate(0.01)  # without a scheduler"
    note = "Start with a large learning rate, keep it for long, then reduce it."

    def __init__(self) -> None:
        self.steps, self.rate, self.highest, self.last_change = 0, 0.0, 0.0, 0

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Compare the two rates."""
        if not step.rates:
            return NOTHING_TO_CHECK
        rate = max(rates.used for rates in step.rates.values())
        if self.steps and rate != self.rate:
            self.last_change = self.steps
        self.steps, self.rate, self.highest = self.steps + 1, rate, max(rate, self.highest)
        given = step.noted(Noted.SCHEDULE_KEEPS_RATE, Noted.WARM_UP_KEEPS_RATE)
        if given:
            return [_given_beside(note) for note in given]
        servers = step.noted(Noted.SERVERS_KEEP_RATE)
        if servers:
            asked, sent = servers[0].numbers
            text = (
                f"the learning rate {asked:.4g} was asked for, the servers apply {sent:.4g}: they got the optimiser once,"
                " by set_optimizer, and hear of no change; give it a schedule, or update on the workers"
                " (update_on_kvstore=False)"
            )
            return [Message(text, place=servers[0].place)]
        return first(
            [
                f"the learning rate {asked:.4g} was asked for, {used:.4g} is applied: a scheduler overrules optimizer.lr,"
                " and init_optimizer (also inside a second fit) does nothing without force_init=True"
                for asked, used in step.rates.values()
                if abs(asked - used) > 1e-6 * abs(used)
            ]
        )

    def at_end(self, run: RunFacts) -> Findings | NothingToCheck:
        """Judge the schedules: were they meant in epochs?"""
        by_epoch = self._asked_by_epoch(run)
        checked = bool(run.schedules) or self.steps >= FEWEST
        if not checked and not run.courses:
            return NOTHING_TO_CHECK
        return [*by_epoch, *(self._in_epochs() or courses(run, fewest=FEWEST))]

    def _asked_by_epoch(self, run: RunFacts) -> Findings:
        return [
            warning(
                f"a schedule over {schedule.horizon} updates was asked with numbers up to {schedule.largest}, after"
                f" {self.steps} updates: it counts updates, is it told epochs?"
            )
            for schedule in run.schedules
            if self.steps >= schedule.horizon / 2
            and schedule.largest < schedule.horizon / 4
            and schedule.largest < self.steps / 4
        ][:1]

    def _in_epochs(self) -> Findings:
        early = 0 < self.last_change <= EARLY * self.steps
        if self.steps < FEWEST or not early or self.rate > 0.2 * self.highest:
            return []
        return [
            warning(
                f"the learning rate fell from {self.highest:.3g} to {self.rate:.3g} in the first {self.last_change} of"
                f" {self.steps} steps and stayed there: schedulers count updates, were the milestones meant as epochs?",
                step=self.last_change,
            )
        ]


def _given_beside(note: Note) -> Message:
    """Words for a learning rate that was given beside a schedule with a rate of its own."""
    given, own = note.numbers
    if note.what is Noted.WARM_UP_KEEPS_RATE:
        text = (
            f"the warm-up of this {note.subject} climbs to its own base_lr, {own:.4g}, after which the rate jumps to"
            f" learning_rate={given:.4g}: give the schedule base_lr={given:.4g}, too"
        )
        return Message(text, WARNING, note.place)
    text = (
        f"learning_rate={given:.4g} was given beside a {note.subject} that starts from its own base_lr, {own:.4g}, and"
        f" never uses the other (MXNet's message says otherwise): make it with base_lr={given:.4g}"
    )
    # Two rates that were both written down contradict each other; which one is meant can't be told.
    return Message(text, ERROR if own == DEFAULT else WARNING, note.place)
