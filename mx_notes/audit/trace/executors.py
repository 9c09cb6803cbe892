"""What is seen of executors: Module, and whoever binds a symbol himself."""

from __future__ import annotations

import weakref
from typing import Any

from ...runtime import mx
from ..graph import graph
from .ledger import Buffer
from .step import Look
from .steps import Steps


class ExecutorSteps(Steps):
    """Forward and backward passes of executors, each waiting for its partner."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._executor: mx.executor.Executor | None = None
        self._met: weakref.WeakSet = weakref.WeakSet()  # executors whose shapes were seen: they never change
        self._pending: dict[int, int] = {}  # executors whose training forward still waits for its backward
        self._trained: dict[int, bool] = {}  # executor: was its latest forward in training mode
        self._padding, self._padded = 0, False
        self._loaded: mx.nd.NDArray | None = None

    def batch_loaded(self, batch: mx.io.DataBatch) -> None:
        """A Module copies a batch into its executors."""
        self._padding = batch.pad or 0 if self._padded else 0
        self._loaded = batch.data[0] if batch.data else None

    def batch_padded(self) -> None:
        """Padding repeats examples (a batch that rolls over to the next epoch has a `pad` too)."""
        self._padded = True

    def executor_seen(self, executor: mx.executor.Executor) -> None:
        """Remember whose C calls come next."""
        self._executor = executor
        self.ledger.enter_executor(executor)

    def before_executor_forward(self, executor: int, training: bool) -> None:
        """A forward pass in training mode after an update opens the next step."""
        if training:
            self._close_step()
            if executor in self._pending:
                self._trouble("train-mode", "forward ran in training mode and no backward followed it")
            self._pending[executor] = 1
            self._step.padding, self._padding = max(self._step.padding, self._padding), 0
            if self._loaded is not None:
                self._meet_data(self._loaded)
                self._loaded = None
        self._trained[executor] = training
        self._step.events.append(("forward", executor, training))

    def before_executor_backward(self, executor: int, head_gradients: list[int]) -> None:
        """Look at the graph, if it is this step's turn."""
        self._close_step()
        self._consume(head_gradients)
        step = self._step
        if self._pending.pop(executor, None) is None:
            if self._trained.get(executor) is False:
                self._trouble("train-mode", "backward followed a forward that did not run in training mode")
            else:
                self._trouble("call-order", "backward ran without a forward of this batch before it")
        step.events.append(("backward", executor))
        self._begin_pass(self._trained.get(executor, True))
        bound = self._executor
        if bound is None or bound.handle.value != executor:
            return
        if self._looks and bound not in self._met:
            self._met.add(bound)
            self._meet_batch(tuple((name, array.shape) for name, array in _inputs(bound).items()))
        if step.deep and self._on_backward:
            self._on_backward(step, bound)
        if step.deep and self._looks:
            heads = [graph.shallow_copy(handle) for handle in head_gradients]
            step.looks.append(Look(graph.of_executor(bound, heads), str(bound._ctx)))

    def after_executor_backward(self, executor: int) -> None:
        """Enter the buffers that it writes."""
        known = self.ledger.executors.get(executor)
        self._wrote(known[1] if known else [])
        bound = known[0]() if known else None
        if bound is not None and bound.aux_arrays:
            self._write_statistics({array.handle.value: name for name, array in bound.aux_dict.items()})

    def _check_order(self, buffer: Buffer, stale: bool) -> None:
        super()._check_order(buffer, stale)
        if not self._pending:
            return
        waiting = [e for e in self._pending if buffer in self.ledger.executors.get(e, (None, []))[1]]
        if waiting and not stale and self._step.number > 1:
            self._trouble("call-order", OUT_OF_ORDER)
        for executor in waiting:
            del self._pending[executor]


OUT_OF_ORDER = "the update came before the backward pass of its batch"


def _inputs(executor: mx.executor.Executor) -> dict[str, mx.nd.NDArray]:
    return {name: array for name, array in executor.arg_dict.items() if executor.grad_dict.get(name) is None}
