"""Whether schedules fit the run: what they were made for, held against the updates that came."""

from __future__ import annotations

import math

from ..trace.step import Course, RunFacts, Shape
from . import WARNING, Findings, Message

NEGLIGIBLE = 0.01  # of the first rate
WHOLE = 1.05  # times the updates of a whole training: a schedule made for it ends there


def courses(run: RunFacts, fewest: int) -> Findings:
    """What schedules of optimisers did not do. fewest: updates of a run long enough to tell."""
    if run.stopped:
        return []
    found = []
    for i, course in enumerate(run.courses):
        text = _starts_over(course, run.courses[:i]) or _counts_epochs(course)
        if not text and course.made >= fewest:
            text = _beyond(course) or _collapses(course)
        if text:
            found.append(Message(text, WARNING, course.place))
    return found


def _starts_over(course: Course, earlier: list[Course]) -> str | None:
    """A training that goes on, whose schedule does not."""
    if not course.resumes or course.began or not course.made:
        return None
    settings, made = course.settings, course.made
    done = course.epoch * made / course.epochs if course.epochs else 0.0
    repeats = any(other.settings == settings and other.made for other in earlier)
    if settings.shape is Shape.STEPS:
        repeats = repeats or (done >= settings.first and settings.factor < 1)
    elif settings.shape is Shape.MILESTONES:
        repeats = repeats or made <= settings.last < done + made
    else:
        repeats = repeats or made < settings.last <= WHOLE * (done + made)
    if not repeats:
        return None
    how = f"begin_epoch={course.epoch}" if course.epoch else "the optimiser's states of an earlier run"
    number = f"begin_num_update={round(done)}" if done else "begin_num_update"
    return (
        f"the training goes on with {how}, but the schedule of its learning rate starts over with update 1, at"
        f" {course.first_rate:.4g}: update counts are not saved, give the optimiser {number}"
    )


def _counts_epochs(course: Course) -> str | None:
    if not course.epoch or course.began != course.epoch or course.made <= course.epochs:
        return None
    number = round(course.epoch * course.made / course.epochs) if course.epochs else 0
    hint = f" ({number} here)" if number else ""
    return f"begin_num_update={course.began} is the number of epochs that are done: schedules count updates{hint}"


def _beyond(course: Course) -> str | None:
    """A schedule that this run is too short for."""
    settings, updates = course.settings, course.updates
    batch = round(1 / course.rescale) if 0 < course.rescale < 1 else 1
    in_examples = batch > 1 and updates * batch >= settings.first
    asked = f"; it saw {updates * batch} examples: was it meant in examples?" if in_examples else ""
    if settings.shape is Shape.ANNEALED:
        if 4 * updates > settings.last:
            return None
        return (
            f"the schedule is made for {settings.last} updates, and the run made {updates}: the learning rate came from"
            f" {course.first_rate:.4g} to {course.rate:.4g} only{asked}"
        )
    warmed = 0 < settings.warm_up <= updates  # it may be there for that alone
    if settings.factor == 1 or updates > settings.first or (warmed and not in_examples):
        return None
    return (
        f"the schedule first changes the learning rate after update {settings.first}, and the run made {updates}: it never"
        f" did{asked}"
    )


def _collapses(course: Course) -> str | None:
    """A rate that decays so often that most of the run has none."""
    settings = course.settings
    if settings.shape is not Shape.STEPS or not 0 < settings.factor < 1:
        return None
    gone = settings.first * math.log(NEGLIGIBLE) / math.log(settings.factor)
    if gone > course.made / 2 or course.rate > NEGLIGIBLE * settings.rate:
        return None
    return (
        f"the schedule multiplies the rate by {settings.factor:.4g} after every {settings.first} updates: it was below 1%"
        f" after {gone:.0f} of {course.made}; schedules count updates, was the step meant in epochs?"
    )
