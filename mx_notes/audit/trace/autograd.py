"""What is seen of `autograd`: Gluon, and arrays with `attach_grad`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...runtime import mx
from ..events import AUTOGRAD, RETURNED, Event, Kind, Place, users_place
from ..graph.operators import MODAL, depends_on_mode
from ..graph.symbol import mode_matters
from ..graph.tape import FUNCTION, ROWS, Tape
from ..graph.values import own, shape_of
from ..hooks.listener import Listener, OperatorCall
from .by_hand import ByHand
from .ledger import REQUESTS, Buffer, Ledger
from .statistics_in_flight import StatisticsInFlight
from .step import Look, Noted
from .steps import OpenStep

FIRST_OPERATORS = 16  # of a scope, among which the first layer is looked for
RECENT = 4  # forward passes whose variables a backward pass is expected to reach


@dataclass(eq=False)
class Scope:
    """One `with autograd.record()`: a forward pass, once an operator has run in it."""

    training: bool
    modal: bool = False  # one of its operators depends on the mode
    operators: int = 0
    first: int | None = None  # the first parameter that it used
    # Handles of what its operators have read, and made; and, of what they have read, what was written since.
    inputs: set[int] = field(default_factory=set)
    outputs: set[int] = field(default_factory=set)
    changed: dict[int, Place] = field(default_factory=dict)


@dataclass(eq=False)
class Block:
    """The graph of a hybridised block; its inputs are the symbol's, in this order."""

    symbol: mx.sym.Symbol
    given: (
        list[int] | None
    )  # positions of inputs that are no parameters, frozen ones included; None: not told
    data: list[int] | None = None  # the positions of the batch's parts, once they are known

    @cached_property
    def modal(self) -> bool:
        """Whether it computes something else in training than in prediction."""
        return mode_matters(self.symbol)

    @cached_property
    def statistics(self) -> dict[int, str]:
        """Running statistics: position among the inputs, name."""
        auxiliary = set(self.symbol.list_auxiliary_states())
        return {p: name for p, name in enumerate(self.symbol.list_inputs()) if name in auxiliary}


class Autograd(Listener):
    """Recorded scopes, the operators in them, and the backward passes through them."""

    def __init__(self, now: OpenStep, books: Ledger, by_hand: ByHand, statistics: StatisticsInFlight) -> None:
        self._now, self._books, self._by_hand, self._statistics = now, books, by_hand, statistics
        self._tape: Tape | None = None
        self._taped = 0  # the step that the tape is of
        self._blocks: dict[int, Block] = {}  # hybridised ones, by the handle of their CachedOp
        self._scope: Scope | None = None  # the recorded scope that is open
        self._suspended: Scope | None = None  # the scope that was open before this pause
        self._scopes: list[Scope] = []  # those that the next backward pass may be of
        self._pending: deque[Scope] = deque(maxlen=RECENT)  # those not yet differentiated
        self._heads: set[int] = set()  # of the backward passes since the last recorded scope began
        self._training = False
        self._returned = False  # the backward pass that is running makes new arrays
        self._written: dict[int, str] = {}  # running statistics of the blocks called since the last backward
        self._inputs: set[int] = set()  # of operators recorded since the last backward pass
        self._reached: deque[list[Buffer]] = deque(
            maxlen=RECENT
        )  # variables among the inputs of recent passes
        self._fresh: list[Buffer] = []
        self._candidates: list[Buffer] = []

    # Variables

    def variables_marked(self, variables: list[int], requests: list[int], gradients: list[int]) -> None:
        """Open the books on new gradient buffers."""
        for variable, request, gradient in zip(variables, requests, gradients, strict=True):
            self._books.mark(variable, REQUESTS.get(request, "write"), gradient)

    def parameter_initialised(self, parameter: mx.gluon.Parameter) -> None:
        """Learn its name."""
        self._books.name(parameter)

    def gradient_fetched(self, variable: int, gradient: int) -> None:
        """Somebody looks at a gradient."""
        self._books.alias(variable, gradient)

    def freshness_lowered(self, variable: int) -> None:
        """A Trainer is about to use a gradient: one that no pass was seen to write may be another thread's."""
        buffer = self._books.variables.get(variable)
        if buffer is not None and not buffer.passes and buffer.fresh:
            self._now.written_elsewhere(buffer)

    # Scopes

    def recording_set(self, on: bool, resumed: bool) -> None:
        """A recorded scope begins or ends, or is interrupted by a pause (as when parameters get their shapes)."""
        if not on:
            self._scope, self._suspended = None, self._scope
        elif resumed and self._suspended is not None:
            self._scope = self._suspended
        else:
            self._scope = Scope(self._training)
        self._now.recording = on

    def training_set(self, on: bool) -> None:
        """Training mode was switched."""
        self._training = on
        if self._scope is not None and not self._scope.operators:
            self._scope.training = on

    def _begin_forward(self, inputs: list[int]) -> None:
        """Before the first operator of a recorded scope."""
        now = self._now
        now.close_if_updated()
        now.forward(AUTOGRAD, self._scope.training)
        if not now.is_awaited(AUTOGRAD):
            self._scopes.clear()
        self._scopes.append(self._scope)
        self._pending.append(self._scope)
        self._heads.clear()
        now.await_backward(AUTOGRAD, lambda buffer: buffer.weight in self._books.variables)
        data = next((handle for handle in inputs if handle not in self._books.variables), None)
        if data is not None:
            now.meet_batch(shape_of(data))

    # Operators

    def before_operator(self, call: OperatorCall) -> None:
        """The first operator of a recorded scope begins a forward pass."""
        self._now.run_later()
        if self._scope is not None and not self._scope.operators:
            self._begin_forward(call.inputs)

    def operator_invoked(self, call: OperatorCall) -> None:
        """Take down an operator of the open scope."""
        scope = self._scope
        if scope is None:
            if self._pending:
                self._written_since(call.outputs)
            return
        inputs, outputs = call.inputs, call.outputs
        self._inputs.update(inputs)
        if len(self._pending) > 1:  # MXNet itself refuses to write what the open scope has read
            self._written_since(outputs)
        scope.inputs.update(inputs)
        scope.outputs.update(outputs)
        if not scope.modal and call.name in MODAL:
            scope.modal = depends_on_mode(call.name, call.attributes)
        tape = self._open_tape()
        if tape is not None or (scope.first is None and scope.operators < FIRST_OPERATORS):
            self._enter_scope(inputs)
            if tape is not None:
                tape.add(call)

    def before_cached_op(self, op: int, inputs: list[int]) -> None:
        """A hybridised block is called."""
        if self._scope is None:
            return
        if not self._scope.operators:
            self._begin_forward(inputs)
        self._inputs.update(inputs)
        self._enter_scope(inputs, self._blocks.get(op))

    def cached_op_invoked(self, op: int, inputs: list[int], outputs: list[int]) -> None:
        """Take down the block."""
        scope, block = self._scope, self._blocks.get(op)
        if scope is not None:
            scope.inputs.update(inputs)
            scope.outputs.update(outputs)
            scope.modal = scope.modal or block is None or block.modal
        if scope is None or block is None:
            return
        if scope.training:
            statistics = block.statistics.items()
            self._written |= {inputs[position]: name for position, name in statistics}
        tape = self._open_tape()
        if tape is not None:
            tape.add_cached_op(block.symbol, inputs, outputs, scope.training)

    def cached_op_created(self, op: mx.nd.CachedOp, symbol: mx.sym.Symbol, flags: Any) -> None:
        """Remember its graph."""
        self._blocks[op.handle.value] = Block(symbol, dict(flags).get("data_indices"))

    def function_recorded(
        self, inputs: list[int], outputs: list[int], function: mx.autograd.Function
    ) -> None:
        """Take down an `autograd.Function`."""
        self._inputs.update(inputs)
        if self._scope is not None:
            self._scope.inputs.update(inputs)
            self._scope.outputs.update(outputs)
        if self._taped_now() is not None:
            self._tape.add_node(FUNCTION, inputs, outputs, function=function)

    def viewed(self, array: int, view: int, rows: tuple[int, int] | None) -> None:
        """A view is recorded by MXNet like an operator."""
        if self._scope is not None:
            self._inputs.add(array)
            self._scope.inputs.add(array)
            self._scope.outputs.add(view)
            if self._taped_now() is not None:
                attributes = {"begin": str(rows[0]), "end": str(rows[1])} if rows else {}
                self._tape.add_node(ROWS if rows else "reshape", [array], [view], attributes)

    def _taped_now(self) -> Tape | None:
        """The tape, if it is of the step under way."""
        if self._tape is not None and self._taped != self._now.step.number:
            self._tape = None
        return self._tape

    def _open_tape(self) -> Tape | None:
        """The tape of the step under way, begun if the step is sampled."""
        if self._now.step.sampled and self._taped_now() is None:
            self._tape, self._taped = Tape(self._books.name_of), self._now.step.number
        return self._tape if self._now.step.sampled else None

    def _enter_scope(self, inputs: list[int], block: Block | None = None) -> None:
        """Enter an operator of the open scope. The first to use a parameter is given the batch."""
        scope, variables = self._scope, self._books.variables
        scope.operators += 1
        if scope.first is None:
            scope.first = next((handle for handle in inputs if handle in variables), None)
            if scope.first is not None:
                for handle in self._batch_among(inputs, block):
                    self._now.meet_data(own(handle))

    def _batch_among(self, inputs: list[int], block: Block | None) -> list[int]:
        """The input that is no parameter; of a hybridised block, all of them."""
        if block is None:
            return [handle for handle in inputs if handle not in self._books.variables][:1]
        if block.data is None:
            block.data = [
                position
                for position, handle in enumerate(inputs)
                if handle not in self._books.variables
                and position not in block.statistics
                and (block.given is None or position in block.given)
            ]
        return [inputs[position] for position in block.data]

    # What is written between a forward pass and its backward pass

    def _written_since(self, arrays: Iterable[int]) -> None:
        for scope in self._pending:
            for array in scope.inputs.intersection(arrays):
                scope.changed.setdefault(array, users_place())

    def array_written(self, array: int) -> None:
        """Values came from NumPy."""
        if self._pending:
            self._written_since([array])

    def before_update(self, updater: mx.optimizer.Updater, index: Any, gradient: Any, weight: Any) -> None:
        """An optimiser is about to write a parameter, or several."""
        if self._pending:
            weights = weight if isinstance(weight, (list, tuple)) else [weight]
            self._written_since([each.handle.value for each in weights])

    def _differentiated(self, heads: list[int]) -> bool:
        """These heads' forward passes get their backward pass: was what they have read written since?

        Returns whether the forward passes are known.
        """
        theirs = [each for each in self._pending if not each.outputs.isdisjoint(heads)]
        for scope in theirs:
            self._pending.remove(scope)
            for array, place in list(scope.changed.items())[:1]:
                subject = self._books.name_of(array) or ""
                self._now.note(Noted.CHANGED_SINCE_FORWARD, subject, at=place)
        return bool(theirs)

    # Backward

    def before_autograd_backward(
        self, heads: list[int], head_gradients: list[int], returned: bool, differentiable: bool
    ) -> None:
        """Take the graph, if the step is sampled."""
        now = self._now
        now.close_if_updated()
        if not now.is_awaited(AUTOGRAD):
            self._scopes.clear()
        self._books.consume(head_gradients)
        if set(heads).intersection(head_gradients):
            now.note(Noted.OUTPUT_AS_GRADIENT)
        self._returned = returned
        training = self._scopes[-1].training if self._scopes else True
        now.begin_pass(training or not self._scopes[-1].modal)
        known = self._differentiated(heads)
        if differentiable:
            return  # a part of the forward pass, as in a gradient penalty
        scopes, self._scopes = self._scopes, []
        now.backward_came(AUTOGRAD)
        if returned:
            now.step.events.append(Event(Kind.BACKWARD, RETURNED))
            return
        self._lower_flags()
        now.step.events.append(Event(Kind.BACKWARD, AUTOGRAD))
        # Losses that one scope has recorded may go backward one after the other, each in a step of its own.
        if not (scopes or known or now.step.count(Kind.FORWARD) or self._heads.isdisjoint(heads)):
            now.note(Noted.BACKWARD_WITHOUT_RECORDING)
        self._heads.update(heads)
        unused = [scope for scope in scopes[:-1] if scope.first and scope.first == scopes[-1].first]
        if any(scope.modal for scope in unused) and len(heads) < len(scopes):
            now.note(Noted.RECORDING_WITHOUT_BACKWARD)
        tape = self._taped_now()
        seen = tape.graph(heads, head_gradients) if tape is not None else None
        if seen is not None:
            now.step.looks.append(Look(seen, "", training))

    def _lower_flags(self) -> None:
        """Lower the flags of the gradients that the pass may write, so that those it writes can be told."""
        variables = self._books.variables
        reached = [variables[handle] for handle in self._inputs if handle in variables]
        self._inputs = set()
        if reached:
            self._reached.append(reached)
        candidates = {buffer for recent in self._reached for buffer in recent if buffer.array is not None}
        # A graph that was recorded long ago, or in another thread, may lead anywhere.
        self._candidates = list(candidates) or list(variables.values())
        self._fresh = self._books.lower_flags(self._candidates)

    def after_autograd_backward(self, returned: dict[int, int]) -> None:
        """Enter the buffers that it wrote, or the new arrays that it returned, by their variables."""
        for variable, gradient in returned.items():
            buffer = self._books.variables.get(variable)
            if buffer is not None:
                self._now.returned(buffer)
                buffer.consume()
                self._by_hand.gradient_made(gradient, buffer)
        if not self._returned:
            self._now.wrote(self._books.raise_flags(self._candidates, self._fresh))
            self._candidates, self._fresh = [], []
            self._statistics.write(self._written)
            self._written = {}

    def handle_freed(self, handle: int) -> None:
        """Another array, or another block, may get this handle."""
        self._blocks.pop(handle, None)
        self._inputs.discard(handle)
        for scope in self._pending:
            scope.inputs.discard(handle)
            scope.outputs.discard(handle)
        if self._tape is not None:
            self._tape.forget(handle)
