"""What is seen of executors: Module, and whoever binds a symbol himself."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import numpy as np

from ...runtime import mx
from ..events import Event, Kind
from ..graph.symbol import gradients_of, mode_matters, of_executor
from ..graph.values import is_dense, own, read
from ..hooks.listener import Listener
from .ledger import Ledger
from .statistics_in_flight import StatisticsInFlight
from .step import Look, Noted, Step
from .steps import OpenStep


class Executors(Listener):
    """Forward and backward passes of executors, each waiting for its partner."""

    def __init__(
        self,
        now: OpenStep,
        books: Ledger,
        statistics: StatisticsInFlight,
        before_backward: Callable[[Step, mx.executor.Executor], None] | None = None,
    ) -> None:
        """before_backward: called on sampled steps before an executor's backward pass."""
        self._now, self._books, self._statistics = now, books, statistics
        self._before_backward = before_backward
        self._executor: weakref.ref | None = None  # whose C calls come next
        self._met: weakref.WeakSet = weakref.WeakSet()  # executors whose shapes were seen: they never change
        self._modal: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # executor: does the mode matter
        self._trained: dict[int, bool] = {}  # executor: was its latest forward in training mode
        self._queued: dict[int, bool] = {}  # likewise, while nobody has waited
        self._padding, self._padded = 0, False
        self._loaded: list[mx.nd.NDArray] = []
        self._labels: list[mx.nd.NDArray] = []

    def batch_loaded(self, batch: mx.io.DataBatch) -> None:
        """A Module copies a batch into its executors."""
        self._padding = batch.pad or 0 if self._padded else 0
        self._loaded, self._labels = list(batch.data or ()), list(batch.label or ())

    def batch_padded(self) -> None:
        """Padding repeats examples (a batch that rolls over to the next epoch has a `pad` too)."""
        self._padded = True

    def executor_seen(self, executor: mx.executor.Executor) -> None:
        """Remember whose C calls come next."""
        self._executor = weakref.ref(executor)
        self._books.enter_executor(executor)

    def before_executor_forward(self, executor: int, training: bool) -> None:
        """A forward pass in training mode after an update opens the next step.

        An executor keeps one mode for all of its operators, which they read as they run: a pass that is still
        queued runs in the mode of the one after it (GraphExecutor::RunOps of MXNet 1.9.1).
        """
        now = self._now
        if self._queued.get(executor, training) != training and self._mode_matters():
            now.note(Noted.MODE_CHANGED_IN_FLIGHT)
        self._queued[executor] = training
        if training:
            now.close_if_updated()
            if now.is_awaited(executor) and self._mode_matters():
                now.note(Noted.FORWARD_WITHOUT_BACKWARD)
            now.await_backward(
                executor, lambda buffer: buffer in self._books.executors.get(executor, (None, []))[1]
            )
            now.step.padding, self._padding = max(now.step.padding, self._padding), 0
            for data in self._loaded:
                now.meet_data(data)
            for label in self._labels:
                now.meet_label(label)
            self._loaded, self._labels = [], []
        self._trained[executor] = training
        now.forward(executor, training)

    def _mode_matters(self) -> bool:
        """Whether the executor whose C calls come next computes something else in prediction."""
        bound = self._executor() if self._executor else None
        if bound is None:
            return True
        if bound not in self._modal:
            self._modal[bound] = mode_matters(bound._symbol)
        return self._modal[bound]

    def before_executor_backward(self, executor: int, head_gradients: list[int]) -> None:
        """Take the graph, if the step is sampled."""
        now = self._now
        now.close_if_updated()
        self._books.consume(head_gradients)
        if not now.backward_came(executor):
            inference = self._trained.get(executor) is False
            now.note(Noted.BACKWARD_OF_INFERENCE if inference else Noted.BACKWARD_WITHOUT_FORWARD)
        now.step.events.append(Event(Kind.BACKWARD, executor))
        now.begin_pass(self._trained.get(executor, True))
        bound = self._executor() if self._executor else None
        if bound is not None and bound.handle.value == executor:
            self._look(bound, head_gradients)

    def _look(self, executor: mx.executor.Executor, head_gradients: list[int]) -> None:
        now = self._now
        if executor not in self._met:
            self._met.add(executor)
            gradients = gradients_of(executor)
            inputs = {n: a.shape for n, a in executor.arg_dict.items() if gradients.get(n) is None}
            now.meet_batch(tuple(inputs.items()))
        if now.step.sampled and self._before_backward:
            self._before_backward(now.step, executor)
        if now.step.sampled:
            heads = [own(handle) for handle in head_gradients]
            if any(_are_alike(*pair) for pair in zip(heads, executor.outputs, strict=False)):
                now.note(Noted.OUTPUT_AS_GRADIENT)
            training = self._trained.get(executor.handle.value, True)
            now.step.looks.append(Look(of_executor(executor, heads), str(executor._ctx), training))

    def after_executor_backward(self, executor: int) -> None:
        """Enter the buffers that it writes."""
        known = self._books.executors.get(executor)
        self._now.wrote(known[1] if known else [])
        bound = known[0]() if known else None
        if bound is not None and bound.aux_arrays:
            self._statistics.write({array.handle.value: name for name, array in bound.aux_dict.items()})

    def array_awaited(self, array: int) -> None:
        """Somebody waits; for which pass can't be told."""
        self._queued.clear()

    def array_read(self, array: int) -> None:
        """Likewise."""
        self._queued.clear()

    def waited_for_all(self) -> None:
        """Nothing is queued any more."""
        self._queued.clear()

    def handle_freed(self, handle: int) -> None:
        """Forget an executor that is gone."""
        self._queued.pop(handle, None)
        self._books.executors.pop(handle, None)
        self._trained.pop(handle, None)
        self._now.backward_came(handle)


def _are_alike(gradient: mx.nd.NDArray, output: mx.nd.NDArray) -> bool:
    """Whether a head gradient has the values of the output itself: Module hands on a copy."""
    if gradient.shape != output.shape or not (is_dense(gradient) and is_dense(output)):
        return False
    values = read(output)
    return bool(np.ptp(values)) and np.array_equal(read(gradient), values)
