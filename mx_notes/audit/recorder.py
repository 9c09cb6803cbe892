"""Turns the hooks' calls into steps.

On every step it keeps the books (`ledger`) and appends small tuples; on sampled ("deep") steps it also
keeps the graph of each backward pass and copies of the updates, so that rules can look and recompute.
"""

from __future__ import annotations

import ctypes
import gc
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from ..runtime import mx
from . import graph
from .hooks import Listener, OperatorCall
from .ledger import CLEARING, REQUESTS, Buffer, Ledger, Pass
from .statistics import RunningStatistics
from .trace import Look, Step, Update, UpdateSample, whereabouts

KEPT_STEPS = 1000  # step records kept; the counts go on however long the training
SHAPES = 6  # batch shapes that get a close look of their own
BY_HAND = {
    "sgd_update",
    "sgd_mom_update",
    "adam_update",
    "nag_mom_update",
    "rmsprop_update",
    "signsgd_update",
}


def deep_step(number: int) -> bool:
    """The first three steps, then 4 times rarer and rarer: 16, 64, 256 …"""
    return number <= 3 or (number & (number - 1) == 0 and number.bit_length() % 2 == 1)


class Recorder(Listener):
    """Steps, as they happen.

    `deep(step number)` says which are looked at closely. `on_backward(step, executor)` is called on
    those before an executor's backward pass, `on_step(step)` after each step.
    """

    def __init__(
        self,
        deep: Callable[[int], bool] = deep_step,
        on_backward: Callable[[Step, mx.executor.Executor], None] | None = None,
        on_step: Callable[[Step], None] | None = None,
        looks: bool = True,
    ) -> None:
        self.steps: deque[Step] = deque(maxlen=KEPT_STEPS)
        self.totals: Counter = Counter()  # ("backward", 1): the steps in which it ran once, and so on
        self.out_of_order: list[int] = []  # the first few steps whose events were not in order
        self.ledger = Ledger()
        self._deep, self._on_backward, self._on_step, self._looks = deep, on_backward, on_step, looks
        self._step = self._open(1)
        self._executor: mx.executor.Executor | None = None
        self._pending: dict[Any, int] = {}  # executors whose training forward still waits for its backward
        self._trained: dict[int, bool] = {}  # executor: was its latest forward in training mode
        self._passes = 0
        self._pass: Pass | None = None
        self._fresh: set[int] = set()
        self._tape: graph.Tape | None = None
        self._symbols: dict[int, mx.sym.Symbol] = {}  # of hybridised blocks
        self._scope: dict[str, Any] | None = None  # the recorded scope that is open
        self._suspended: dict[str, Any] | None = None  # the one that was open before this pause
        self._scopes: list[dict[str, Any]] = []  # those not yet differentiated
        self._training = False
        self._shapes: set[tuple] = set()
        self._before: list[tuple] = []
        self._pushed: dict[Any, list[Buffer]] = {}
        self._statistics = RunningStatistics()
        self._recorded_statistics: dict[int, str] = {}  # of the blocks called since the last backward
        self._padding, self._padded = 0, False
        self._asked: dict[int, float] = {}  # optimizer.lr of optimisers with a scheduler, as first seen
        self._refused: tuple[mx.optimizer.Optimizer, float] | None = None
        for thing in gc.get_objects():
            if isinstance(thing, mx.gluon.Parameter):
                self.ledger.name(thing)

    @property
    def number_of_steps(self) -> int:
        """Steps completed."""
        return self._step.number - 1

    def finish(self) -> None:
        """Close the last step."""
        self._close_step()

    def _open(self, number: int) -> Step:
        return Step(number, deep=self._deep(number))

    def _close_step(self) -> None:
        """A new forward or backward after an update: what came before is a step."""
        step = self._step
        if not step.updates:
            return
        for kind in ("forward", "backward", "update"):
            self.totals[kind, step.count(kind)] += 1
        if not step.in_order() and len(self.out_of_order) < 10:
            self.out_of_order.append(step.number)
        self.steps.append(step)
        self._step = self._open(step.number + 1)
        if self._on_step:
            self._on_step(step)
        step.samples, step.looks = [], []
        self._tape = None

    def _trouble(self, rule: str, message: str) -> None:
        if not self._step.file:
            self._step.file, self._step.line = whereabouts()
        self._step.troubles.append((rule, message))

    # Executors

    def batch_loaded(self, batch: mx.io.DataBatch) -> None:
        """A Module copies a batch into its executors."""
        self._padding = batch.pad or 0 if self._padded else 0

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
        self._passes += 1
        self._pass = Pass(self._passes, self._trained.get(executor, True))
        bound = self._executor
        if bound is None or bound.handle.value != executor:
            return
        if self._looks:
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

    # Autograd

    def variables_marked(self, variables: list[int], requests: list[int], gradients: list[int]) -> None:
        """Open the books on new gradient buffers."""
        for variable, request, gradient in zip(variables, requests, gradients, strict=True):
            self.ledger.mark(variable, REQUESTS.get(request, "write"), gradient)

    def parameter_initialised(self, parameter: mx.gluon.Parameter) -> None:
        """Learn its name."""
        self.ledger.name(parameter)

    def gradient_fetched(self, variable: int, gradient: int) -> None:
        """Somebody looks at a gradient."""
        self.ledger.alias(variable, gradient)

    def recording_set(self, on: bool, resumed: bool) -> None:
        """A recorded scope begins or ends, or is interrupted by a pause (as when parameters get their shapes)."""
        if not on:
            self._scope, self._suspended = None, self._scope
        elif resumed and self._suspended is not None:
            self._scope = self._suspended
        else:
            self._scope = {"ops": 0, "training": self._training, "first": None}

    def training_set(self, on: bool) -> None:
        """Training mode was switched."""
        self._training = on
        if self._scope is not None and not self._scope["ops"]:
            self._scope["training"] = on

    def _enter_scope(self, inputs: list[int]) -> None:
        """The first operator of a recorded scope: a forward pass begins."""
        scope = self._scope
        scope["ops"] += 1
        if scope["ops"] == 1:
            self._close_step()
            self._step.events.append(("forward", "autograd", scope["training"]))
            self._scopes.append(scope)
            if inputs and self._looks:
                self._meet_batch(_shape(inputs[0]))
        if scope["first"] is None:
            scope["first"] = next((handle for handle in inputs if handle in self.ledger.variables), None)
        if self._step.deep and self._looks and self._tape is None:
            self._tape = graph.Tape(self._is_parameter, self._symbols.get)

    def _is_parameter(self, handle: int) -> bool:
        return handle in self.ledger.variables

    def _meet_batch(self, shape: tuple) -> None:
        """A batch of a shape not seen before gets a close look."""
        if shape not in self._shapes and len(self._shapes) < SHAPES:
            self._shapes.add(shape)
            self._step.deep = True

    def before_autograd_backward(self, heads: list[int], head_gradients: list[int], returned: bool) -> None:
        """Look at the graph, if it is this step's turn."""
        self._close_step()
        self._consume(head_gradients)
        self._fresh = set() if returned else self.ledger.before_autograd_backward()
        self._returned = returned
        self._passes += 1
        training = self._scopes[-1]["training"] if self._scopes else True
        self._pass = Pass(self._passes, training)
        if returned:
            return
        self._step.events.append(("backward", "autograd"))
        if not self._scopes and not self._step.count("forward"):
            self._trouble("call-order", "backward ran without a recorded forward since the last one")
        unused = [s for s in self._scopes[:-1] if s["first"] and s["first"] == self._scopes[-1]["first"]]
        if unused and len(heads) < len(self._scopes):
            self._trouble(
                "train-mode", "a recorded forward was never differentiated: evaluation inside record()"
            )
        self._scopes.clear()
        if self._step.deep and self._tape is not None:
            seen = self._tape.graph(heads, head_gradients)
            if seen is not None:
                self._step.looks.append(Look(seen, ""))

    def after_autograd_backward(self) -> None:
        """Enter the buffers that it wrote."""
        if not self._returned:
            self._wrote(self.ledger.after_autograd_backward(self._fresh))
            self._write_statistics(self._recorded_statistics)
            self._recorded_statistics = {}

    def before_cached_op(self, op: int, inputs: list[int]) -> None:
        """A hybridised block is called."""
        if self._scope is not None:
            self._enter_scope(inputs)

    def cached_op_invoked(self, op: int, inputs: list[int], outputs: list[int]) -> None:
        """Tape it."""
        symbol = self._symbols.get(op)
        if self._scope is not None and self._scope["training"] and symbol is not None:
            auxiliary = set(symbol.list_auxiliary_states())
            if auxiliary:
                names = zip(symbol.list_inputs(), inputs, strict=True)
                self._recorded_statistics |= {handle: name for name, handle in names if name in auxiliary}
        if self._scope is not None and self._tape is not None:
            self._tape.add_cached_op(op, inputs, outputs, self._scope["training"])

    def cached_op_created(self, op: mx.nd.CachedOp, symbol: mx.sym.Symbol) -> None:
        """Remember its graph."""
        self._symbols[op.handle.value] = symbol

    # Every operator

    def operator_invoked(self, call: OperatorCall) -> None:
        """Recorded: part of a forward. Otherwise: does it read a gradient, or write a parameter?"""
        if self._scope is not None:
            if self._scope["ops"] < 4 or self._tape is not None:
                self._enter_scope(call.inputs)
                if self._tape is not None:
                    self._tape.add(call)
            return
        ledger = self.ledger
        inputs = call.inputs
        read = [ledger.gradients[handle] for handle in inputs if handle in ledger.gradients]
        for buffer in read:
            ledger.consume(buffer)
        early = self._statistics.among(inputs)
        if early is not None:
            self._read_statistics(early, call.outputs[0])
        for handle in call.outputs:
            if handle in ledger.gradients:
                self._gradient_written(ledger.gradients[handle], call, handle in inputs)
            elif handle in ledger.weights:
                self._weight_written(ledger.weights[handle], call, bool(read))
        if read and call.name == "reset_arrays":
            for buffer in read:
                buffer.cleared = True

    def _gradient_written(self, buffer: Buffer, call: OperatorCall, in_place: bool) -> None:
        buffer.touched = True
        scalar = call.attributes.get("scalar")
        if call.name in CLEARING or not in_place or (call.name == "_mul_scalar" and float(scalar or 1) == 0):
            buffer.cleared = True

    def _weight_written(self, buffer: Buffer, call: OperatorCall, from_gradient: bool) -> None:
        by_hand = call.name in BY_HAND
        # Otherwise it is filled with data, restored, clipped or averaged.
        if not buffer.ever or not (by_hand or from_gradient or buffer.read):
            buffer.fed += 1
            return
        rescale = float(call.attributes.get("rescale_grad", 1)) if by_hand else None
        self._updated(buffer.name, buffer, None, 0, False, rescale)

    def array_written(self, array: int) -> None:
        """Values came from NumPy: data, a cleared gradient, or a parameter updated by hand."""
        ledger = self.ledger
        if array in ledger.gradients:
            buffer = ledger.gradients[array]
            buffer.touched = buffer.cleared = True
        elif array in ledger.weights:
            buffer = ledger.weights[array]
            if buffer.ever and buffer.read:
                self._updated(buffer.name, buffer, None, 0, False, None)
            else:
                buffer.fed += 1

    def array_freed(self, array: int) -> None:
        """Its address may be another array's soon."""
        self.ledger.forget(array)
        self._statistics.forget(array)
        if self._tape is not None:
            self._tape.forget(array)

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
        message = self._statistics.read(array, taken)
        if message:
            self._trouble("running-statistics", message)

    # Updates

    def optimizer_refused(self, optimizer: mx.optimizer.Optimizer, rate: float) -> None:
        """`Module.init_optimizer` was called again and ignored."""
        self._refused = (optimizer, rate)

    def before_push(self, keys: list, values: list[list]) -> None:
        """A KVStore gets gradients: under which key."""
        for key, arrays in zip(map(_key, keys), values, strict=True):
            found = [self.ledger.gradients.get(array.handle.value) for array in arrays]
            self._pushed[key] = [buffer for buffer in found if buffer is not None]

    def before_update(
        self, updater: mx.optimizer.Updater, indices: list, gradients: list, weights: list
    ) -> None:
        """Copy what the update will read."""
        indices[:] = [_key(index) for index in indices]
        if self._step.deep:
            self._before = [
                # Copying a row-sparse gradient that is still being computed corrupts MXNet's memory.
                (gradient.copy(), weight.copy(), _copy(updater.states.get(index)))
                if gradient.stype == weight.stype == "default"
                else None
                for index, gradient, weight in zip(indices, gradients, weights, strict=True)
            ]
        self._stateless = [index not in updater.states for index in indices]

    def after_update(
        self, updater: mx.optimizer.Updater, indices: list, gradients: list, weights: list
    ) -> None:
        """Enter the update, and copy what it wrote."""
        optimizer = updater.optimizer
        self._step.rates[id(optimizer)] = self._rates(optimizer)
        before = self._before or [None] * len(indices)
        for index, gradient, weight, copies, stateless in zip(
            indices, gradients, weights, before, self._stateless, strict=True
        ):
            name = _name(optimizer, index)
            if copies:
                rate, decay = optimizer._get_lr(index), optimizer._get_wd(index)
                count = optimizer._index_update_count.get(index, 0)
                sample = UpdateSample(name, optimizer, rate, decay, count, *copies, weight.copy())
                self._step.samples.append(sample)
            found = self.ledger.gradients.get(gradient.handle.value)
            buffers = [found] if found else self._pushed.get(index, []) or [None]
            for buffer in buffers:
                self._updated(name, buffer, optimizer, id(updater), stateless, optimizer.rescale_grad)
        self._before = []

    def _updated(
        self,
        name: str,
        buffer: Buffer | None,
        optimizer: Any,
        updater: int,
        fresh_state: bool,
        rescale: float | None,
    ) -> None:
        step = self._step
        if not step.updates:
            step.file, step.line = whereabouts()
        device = buffer.device if buffer else ""
        step.events.append(("update", f"{name} {device}".strip()))
        stale = (
            buffer is not None
            and not buffer.passes
            and not buffer.touched
            and bool(buffer.updates or buffer.ever)
        )
        self._check_order(buffer, stale)
        uncleared = bool(
            buffer and buffer.request == "add" and buffer.updates and buffer.passes and not buffer.cleared
        )
        passes = buffer.passes if buffer else 1
        step.updates.append(
            Update(name, buffer, optimizer, updater, passes, stale, uncleared, fresh_state, rescale)
        )
        if buffer is not None:
            self.ledger.consume(buffer)
            if buffer.last and not buffer.last.training:
                self._trouble(
                    "train-mode", "the update used a backward pass whose forward ran in predict mode"
                )
                buffer.last.training = True
            buffer.updates += 1
            buffer.passes, buffer.touched, buffer.cleared, buffer.read = 0, False, False, False

    def _rates(self, optimizer: mx.optimizer.Optimizer) -> tuple[float, float]:
        """The learning rate that was asked for, and the one in use."""
        used = float(optimizer.learning_rate)
        asked = used if optimizer.lr is None else float(optimizer.lr)
        if self._refused and self._refused[0] is optimizer:
            asked = self._refused[1]
        elif optimizer.lr_scheduler is not None and asked == self._asked.setdefault(id(optimizer), asked):
            asked = used  # nobody has set it since the scheduler took over
        return asked, used

    def _check_order(self, buffer: Buffer | None, stale: bool) -> None:
        """Whether the batch that went forward last has gone backward before this update."""
        waiting = [e for e in self._pending if buffer in self.ledger.executors.get(e, (None, []))[1]]
        undone = bool(self._scopes) and buffer is not None and buffer.weight in self.ledger.variables
        if (waiting or undone) and not stale and self._step.number > 1:
            self._trouble("call-order", "the update came before the backward pass of its batch")
        for executor in waiting:
            del self._pending[executor]
        if undone:
            self._scopes.clear()

    # Bookkeeping

    def _wrote(self, buffers: list[Buffer]) -> None:
        looks = self._step.looks
        if buffers and looks and not looks[-1].device:
            looks[-1].device = buffers[0].device
        for buffer in buffers:
            if buffer.written_by(self._pass):
                self._step.lost.append(buffer.name)

    def _consume(self, handles: list[int]) -> None:
        for handle in handles:
            if handle in self.ledger.gradients:
                self.ledger.consume(self.ledger.gradients[handle])


def _inputs(executor: mx.executor.Executor) -> dict[str, mx.nd.NDArray]:
    return {name: array for name, array in executor.arg_dict.items() if executor.grad_dict.get(name) is None}


def _key(key: Any) -> Any:
    return key.decode() if isinstance(key, bytes) else key


def _name(optimizer: mx.optimizer.Optimizer, index: Any) -> str:
    if index in optimizer.param_dict:
        return optimizer.param_dict[index].name
    return str(optimizer.idx2name.get(index, index))


def _copy(state: Any) -> Any:
    if isinstance(state, (tuple, list)):
        return tuple(_copy(part) for part in state)
    return state.copy() if isinstance(state, mx.nd.NDArray) else state


_ndim, _dims = ctypes.c_int(), ctypes.POINTER(ctypes.c_int64)()


def _shape(handle: int) -> tuple[int, ...]:
    mx.base._LIB.MXNDArrayGetShapeEx64(ctypes.c_void_p(handle), ctypes.byref(_ndim), ctypes.byref(_dims))
    return tuple(_dims[i] for i in range(_ndim.value))
