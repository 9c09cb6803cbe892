"""Turns the hooks' calls into steps.

On every step it keeps the books (`ledger`) and appends small tuples; on sampled ("deep") steps it also
keeps the graph of each backward pass and copies of the updates, so that rules can look and recompute.
"""

from __future__ import annotations

import gc
from typing import Any

from ...runtime import mx
from ..hooks.listener import OperatorCall
from .autograd import AutogradSteps
from .executors import ExecutorSteps
from .optimizers import UpdateSteps
from .running_statistics import RunningStatistics


class Recorder(ExecutorSteps, AutogradSteps, UpdateSteps):
    """Steps, as they happen.

    `deep(step number)` says which are looked at closely. `on_backward(step, executor)` is called on
    those before an executor's backward pass, `on_step(step)` after each step; with `looks=False` no
    graphs are kept.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._statistics = RunningStatistics()

    def begin(self) -> None:
        """Learn of the parameters and variables that are there already."""
        kinds = (mx.gluon.Parameter, mx.nd.NDArray)
        for thing in [each for each in gc.get_objects() if isinstance(each, kinds)]:
            if isinstance(thing, mx.gluon.Parameter):
                self.ledger.name(thing)
            elif thing.handle.value not in self.ledger.variables:
                self.ledger.find(thing)

    def before_operator(self, call: OperatorCall) -> None:
        """The first operator of a recorded scope begins a forward pass."""
        if self._deferred:
            self._run_deferred()
        if self._scope is not None and not self._scope.operators:
            self._begin_forward(call.inputs)

    def operator_invoked(self, call: OperatorCall) -> None:
        """Part of a recorded forward pass, or between a backward pass and its update."""
        if self._scope is not None:
            self._recorded(call)
            return
        early = self._statistics.among(call.inputs)
        if early is not None:
            self._read_statistics(early, call.outputs[0])
        self._computed(call)

    def array_freed(self, array: int) -> None:
        """Its address may be another array's soon."""
        super().array_freed(array)
        self._statistics.forget(array)

    def array_read(self, array: int) -> None:
        """`asnumpy` of a gradient is a use of it."""
        if self._statistics.among([array]) is not None:
            self._read_statistics(array, array)
        buffer = self.ledger.gradients.get(array)
        if buffer is not None:
            self.ledger.consume(buffer)

    def before_save(self, arrays: list[int]) -> None:
        """Running statistics may be saved too early."""
        early = self._statistics.among(arrays)
        if early is not None:
            self._read_statistics(early, early)

    def waited_for_all(self) -> None:
        """Nothing is in flight any more."""
        self._statistics.settle()

    def _write_statistics(self, arrays: dict[int, str]) -> None:
        self._step.statistics = self._step.statistics or bool(arrays)
        self._statistics.write(arrays)

    def _read_statistics(self, array: int, taken: int) -> None:
        judged = self._statistics.read(array, taken)
        if judged:
            self._trouble("running-statistics", *judged)
