"""The listeners that turn MXNet's calls into steps, wired together."""

from __future__ import annotations

import gc
from collections.abc import Callable

from ...runtime import mx
from ..graph.values import OwnArray
from ..hooks.listener import Listener
from .autograd import Autograd
from .blocks import Blocks
from .by_hand import ByHand
from .byte_arithmetic import ByteArithmetic
from .clipping import Clipping
from .courses import Courses
from .executors import Executors
from .given import Given
from .iterators import Iterators
from .ledger import Ledger
from .multipliers import Multipliers
from .optimizers import Optimizers
from .statistics_in_flight import StatisticsInFlight
from .step import RunFacts, Step
from .steps import OpenStep, sampled_step
from .stores import Stores


class Recorder:
    """The books, the step under way, and the listeners that fill them.

    with attached(*recorder.listeners): ...
    """

    def __init__(
        self,
        judges: list[Callable[[Step], None]],
        sampled: Callable[[int], bool] = sampled_step,
        before_backward: Callable[[Step, mx.executor.Executor], None] | None = None,
    ) -> None:
        """judges: called with each step that is over. sampled: which steps are, by their number. before_backward:
        called on these before an executor's backward pass.
        """
        self.ledger = books = Ledger()
        self.now = now = OpenStep(judges, sampled)
        statistics = StatisticsInFlight(now)
        by_hand = ByHand(now, books)
        autograd = Autograd(now, books, by_hand, statistics)
        executors = Executors(now, books, statistics, before_backward)
        self._optimizers = Optimizers(now, books)
        self._multipliers, self._courses = Multipliers(now), Courses(now, self._optimizers)
        stores = Stores(now, books, self._optimizers)
        # These hold what a program asks for against what is done.
        asked = Iterators(now), Given(now), self._multipliers, self._courses, Clipping(now, books)
        # In this order: a step is closed before anything is entered into the next.
        self.listeners: list[Listener] = [
            *(_Beginning(books), autograd, Blocks(now), executors, statistics, by_hand),
            *(self._optimizers, *asked, stores, ByteArithmetic(now)),
        ]

    def finish(self) -> None:
        """Close the last step."""
        self._optimizers.finish()
        self._multipliers.finish()
        self.now.close_if_updated()

    def facts(self, trained_elsewhere: bool, stopped: bool = False, failed: bool = False) -> RunFacts:
        """What rules may ask after the last step. trained_elsewhere: a child process trained. stopped: the audit
        ended the program early; failed: an exception that nobody caught did.
        """
        return RunFacts(
            steps=self.now.steps_done,
            passes=self.now.passes,
            forwards=self.now.forwards,
            trained_elsewhere=trained_elsewhere,
            buffers=list(self.ledger.weights.values()),
            departed=self.ledger.departed,
            handed=self._optimizers.handed,
            schedules=self._optimizers.schedules,
            courses=self._courses.courses,
            notes=self.now.step.notes,
            stopped=stopped,
            failed=failed,
        )

    def release(self) -> None:
        """Let go of the program's arrays, after the last question: what was seen may be kept for long."""
        self.listeners.clear()
        self.ledger.release()


class _Beginning(Listener):
    """Learns of the parameters and variables that are there already."""

    def __init__(self, books: Ledger) -> None:
        self._books = books

    def begin(self) -> None:
        """Look through all objects, by their types alone: to ask an object for its class may wake it."""
        there = gc.get_objects()
        for thing in [each for each in there if issubclass(type(each), mx.gluon.Parameter)]:
            self._books.name(thing)
        arrays = [each for each in there if issubclass(type(each), mx.nd.NDArray)]
        for thing in [each for each in arrays if type(each) is not OwnArray]:  # of an audit before this one
            if thing.handle.value not in self._books.variables:
                self._books.find(thing)
