"""What is seen of the learning-rate schedules that optimisers follow."""

from __future__ import annotations

import weakref
from typing import Any

from ...runtime import mx
from ..events import Place, users_place
from ..hooks.listener import Listener
from .optimizers import Optimizers
from .step import Course, Noted, Settings, Shape, plain
from .steps import OpenStep

KEPT = 1000  # courses that are remembered


class Courses(Listener):
    """Each schedule from an optimiser's first update on."""

    def __init__(self, now: OpenStep, optimizers: Optimizers) -> None:
        self._now, self._optimizers = now, optimizers
        self.courses: list[Course] = []
        self._of: weakref.WeakKeyDictionary[mx.optimizer.Optimizer, Course | None] = (
            weakref.WeakKeyDictionary()
        )
        self._made: weakref.WeakKeyDictionary[mx.optimizer.Optimizer, Place] = weakref.WeakKeyDictionary()
        self._restored: weakref.WeakSet[mx.optimizer.Updater] = weakref.WeakSet()
        self._fit: tuple[weakref.ref, int] | None = (
            None  # the module that was fitted last, and its begin_epoch
        )

    def optimizer_made(self, optimizer: mx.optimizer.Optimizer) -> None:
        """Remember on which line."""
        self._made[optimizer] = users_place()

    def before_fit(self, module: mx.mod.BaseModule, begin_epoch: int, num_epoch: int | None) -> None:
        """A module's next optimiser begins with this epoch."""
        self._fit = weakref.ref(module), begin_epoch, max(0, (num_epoch or 0) - begin_epoch)

    def states_restored(self, updater: mx.optimizer.Updater) -> None:
        """The optimiser goes on from states that were saved."""
        self._restored.add(updater)

    def before_update(self, updater: mx.optimizer.Updater, index: Any, gradient: Any, weight: Any) -> None:
        """At the first update, see what the schedule was given."""
        optimizer = updater.optimizer
        if optimizer.lr_scheduler is not None and optimizer not in self._of:
            self._of[optimizer] = self._begin(optimizer, updater)

    def after_update(self, updater: mx.optimizer.Updater, index: Any, gradient: Any, weight: Any) -> None:
        """Follow the rate."""
        optimizer = updater.optimizer
        course = self._of.get(optimizer) if optimizer.lr_scheduler is not None else None
        if course is None or course.updates == optimizer.num_update:
            return
        course.updates = optimizer.num_update
        rates = self._now.step.rates.get(self._optimizers.number_of(optimizer))
        if rates is not None:
            course.rate, course.first_rate = rates.used, course.first_rate or rates.used
        if not isinstance(optimizer.rescale_grad, mx.nd.NDArray):
            course.rescale = float(optimizer.rescale_grad)

    def _begin(self, optimizer: mx.optimizer.Optimizer, updater: mx.optimizer.Updater) -> Course | None:
        schedule = optimizer.lr_scheduler
        settings = settings_of(schedule)
        if settings is None:
            return None
        place = self._made.get(optimizer) or users_place()
        self._compare(optimizer, schedule, settings, place)
        module, epoch, epochs = self._fit if self._fit else (lambda: None, 0, 0)
        inner = getattr(module(), "_curr_module", module())
        fitted = inner is not None and getattr(inner, "_optimizer", None) is optimizer
        course = Course(
            settings,
            place,
            began=optimizer.num_update,
            updates=optimizer.num_update,
            epoch=epoch if fitted else 0,
            epochs=epochs if fitted else 0,
            restored=updater in self._restored,
        )
        if len(self.courses) < KEPT:
            self.courses.append(course)
        return course

    def _compare(
        self,
        optimizer: mx.optimizer.Optimizer,
        schedule: mx.lr_scheduler.LRScheduler,
        settings: Settings,
        place: Place,
    ) -> None:
        """Hold the schedule's own rates against the learning rate that was given beside it.

        The optimiser writes it into `base_lr`: two schedules never look there again, and no warm-up does.
        """
        if optimizer.lr is None or isinstance(optimizer.lr, mx.nd.NDArray):
            return
        given, name = plain(optimizer.lr), type(schedule).__name__
        if settings.shape is Shape.ANNEALED:
            if _apart(given, settings.rate):
                self._now.note(Noted.SCHEDULE_KEEPS_RATE, name, (given, settings.rate), place)
        elif schedule.warmup_steps > optimizer.num_update and _apart(given, schedule.warmup_final_lr):
            self._now.note(Noted.WARM_UP_KEEPS_RATE, name, (given, schedule.warmup_final_lr), place)


def settings_of(schedule: mx.lr_scheduler.LRScheduler) -> Settings | None:
    """What one of MXNet's schedules is made for; None of others."""
    kinds, call = mx.lr_scheduler, type(schedule).__call__
    warm_up = getattr(schedule, "warmup_steps", 0)
    if call is kinds.FactorScheduler.__call__:
        step, factor, rate = schedule.step, schedule.factor, schedule.base_lr
        return Settings(Shape.STEPS, step, 0, factor, warm_up, rate)
    if call is kinds.MultiFactorScheduler.__call__:
        steps, factor, rate = schedule.step, schedule.factor, schedule.base_lr
        return Settings(Shape.MILESTONES, steps[0], steps[-1], factor, warm_up, rate)
    if call in (kinds.PolyScheduler.__call__, kinds.CosineScheduler.__call__):
        most, rate = schedule.max_update, schedule.base_lr_orig
        return Settings(Shape.ANNEALED, most, most, schedule.final_lr, warm_up, rate)
    return None


def _apart(rate: float, other: float) -> bool:
    return abs(rate - other) > 1e-6 * abs(rate)
