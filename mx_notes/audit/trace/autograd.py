"""What is seen of `autograd`: Gluon, and arrays with `attach_grad`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...runtime import mx
from ..graph import graph
from ..hooks.listener import OperatorCall
from .executors import OUT_OF_ORDER
from .ledger import REQUESTS, Buffer
from .step import Look
from .steps import Steps, shape_of

FIRST_OPERATORS = 16  # of a scope, among which the first layer is looked for


@dataclass(eq=False)
class Scope:
    """One `with autograd.record()`: a forward pass, once an operator has run in it."""

    training: bool
    operators: int = 0
    first: int | None = None  # the first parameter that it used


@dataclass(eq=False)
class Block:
    """The graph of a hybridised block; its inputs are the symbol's, in this order."""

    symbol: mx.sym.Symbol
    given: list[int] | None  # the positions of what is no parameter, frozen ones included; None: not told
    data: int | None = None  # the position of the batch, once it is known

    @cached_property
    def inputs(self) -> list[str]:
        """Names."""
        return self.symbol.list_inputs()

    @cached_property
    def statistics(self) -> dict[int, str]:
        """Running statistics: position among the inputs, name."""
        auxiliary = set(self.symbol.list_auxiliary_states())
        return {position: name for position, name in enumerate(self.inputs) if name in auxiliary}


class AutogradSteps(Steps):
    """Recorded scopes, the operators in them, and the backward passes through them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._fresh: set[int] = set()
        self._tape: graph.Tape | None = None
        self._blocks: dict[int, Block] = {}  # hybridised ones, by the handle of their CachedOp
        self._scope: Scope | None = None  # the recorded scope that is open
        self._suspended: Scope | None = None  # the one that was open before this pause
        self._scopes: list[Scope] = []  # those not yet differentiated
        self._training = False
        self._returned = False  # the backward pass that is running makes new arrays
        self._recorded_statistics: dict[int, str] = {}  # of the blocks called since the last backward

    def _close_step(self) -> None:
        if self._step.updates:
            self._tape = None
        super()._close_step()

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
            self._scope = Scope(self._training)

    def training_set(self, on: bool) -> None:
        """Training mode was switched."""
        self._training = on
        if self._scope is not None and not self._scope.operators:
            self._scope.training = on

    def _begin_forward(self, inputs: list[int]) -> None:
        """Before the first operator of a recorded scope."""
        self._close_step()
        self._step.events.append(("forward", "autograd", self._scope.training))
        self._scopes.append(self._scope)
        data = next((handle for handle in inputs if handle not in self.ledger.variables), None)
        if data is not None and self._looks:
            self._meet_batch(shape_of(data))

    def _enter_scope(self, inputs: list[int], block: Block | None = None) -> None:
        """An operator of a recorded scope. The first to use a parameter is given the batch."""
        scope, variables = self._scope, self.ledger.variables
        scope.operators += 1
        if scope.first is None:
            scope.first = next((handle for handle in inputs if handle in variables), None)
            data = self._batch_among(inputs, block) if scope.first is not None else None
            if data is not None:
                self._meet_data(graph.shallow_copy(data))
        if self._step.deep and self._looks and self._tape is None:
            self._tape = graph.Tape(self._is_parameter)

    def _batch_among(self, inputs: list[int], block: Block | None) -> int | None:
        """The input that is no parameter; of a hybridised block, which has several, the largest."""
        if block is None:
            return next((handle for handle in inputs if handle not in self.ledger.variables), None)
        if block.data is None:
            sizes = {
                position: math.prod(shape_of(handle))
                for position, handle in enumerate(inputs)
                if handle not in self.ledger.variables
                and position not in block.statistics
                and (block.given is None or position in block.given)
            }
            block.data = max(sizes, key=sizes.get, default=-1)
        return inputs[block.data] if block.data >= 0 else None

    def _is_parameter(self, handle: int) -> bool:
        return handle in self.ledger.variables

    def _recorded(self, call: OperatorCall) -> None:
        """An operator ran in the open scope."""
        if self._tape is not None or (self._scope.first is None and self._scope.operators < FIRST_OPERATORS):
            self._enter_scope(call.inputs)
            if self._tape is not None:
                self._tape.add(call)

    def function_recorded(self, inputs: list[int], outputs: list[int]) -> None:
        """Tape it."""
        if self._tape is not None:
            self._tape.add_node("Function", inputs, outputs)

    def viewed(self, kind: str, array: int, view: int) -> None:
        """MXNet records this like an operator."""
        super().viewed(kind, array, view)
        if self._scope is not None and self._tape is not None:
            self._tape.add_node(kind, [array], [view])

    def before_autograd_backward(
        self, heads: list[int], head_gradients: list[int], returned: bool, differentiable: bool
    ) -> None:
        """Look at the graph, if it is this step's turn."""
        self._close_step()
        self._consume(head_gradients)
        self._returned = returned
        self._begin_pass(self._scopes[-1].training if self._scopes else True)
        if differentiable:
            return  # a part of the forward pass, as in a gradient penalty
        if returned:
            self._step.events.append(("backward", "autograd.grad"))
            self._scopes.clear()
            return
        self._fresh = self.ledger.before_autograd_backward()
        self._step.events.append(("backward", "autograd"))
        if not self._scopes and not self._step.count("forward"):
            self._trouble("call-order", "backward ran without a recorded forward since the last one")
        unused = [s for s in self._scopes[:-1] if s.first and s.first == self._scopes[-1].first]
        if unused and len(heads) < len(self._scopes):
            self._trouble(
                "train-mode", "a recorded forward was never differentiated: evaluation inside record()"
            )
        self._scopes.clear()
        if self._step.deep and self._tape is not None:
            seen = self._tape.graph(heads, head_gradients)
            if seen is not None:
                self._step.looks.append(Look(seen, ""))

    def after_autograd_backward(self, returned: dict[int, int]) -> None:
        """Enter the buffers that it wrote, or the new arrays that it returned, by their variables."""
        for variable, gradient in returned.items():
            buffer = self.ledger.variables.get(variable)
            if buffer is not None:
                buffer.written_by(self._pass, self._step.number)
                self.ledger.consume(buffer)
                self._gradient_made(gradient, buffer)
        if not self._returned:
            self._wrote(self.ledger.after_autograd_backward(self._fresh))
            self._write_statistics(self._recorded_statistics)
            self._recorded_statistics = {}

    def before_cached_op(self, op: int, inputs: list[int]) -> None:
        """A hybridised block is called."""
        if self._scope is None:
            return
        if not self._scope.operators:
            self._begin_forward(inputs)
        self._enter_scope(inputs, self._blocks.get(op))

    def cached_op_invoked(self, op: int, inputs: list[int], outputs: list[int]) -> None:
        """Tape it."""
        scope, block = self._scope, self._blocks.get(op)
        if scope is None or block is None:
            return
        if scope.training:
            statistics = block.statistics.items()
            self._recorded_statistics |= {inputs[position]: name for position, name in statistics}
        if self._tape is not None:
            self._tape.add_cached_op(block.symbol, inputs, outputs, scope.training)

    def cached_op_created(self, op: mx.nd.CachedOp, symbol: mx.sym.Symbol, data: list[int] | None) -> None:
        """Remember its graph."""
        self._blocks[op.handle.value] = Block(symbol, data)

    def array_freed(self, array: int) -> None:
        """Its address may be another array's soon."""
        super().array_freed(array)
        if self._tape is not None:
            self._tape.forget(array)

    def _check_order(self, buffer: Buffer, stale: bool) -> None:
        super()._check_order(buffer, stale)
        if self._scopes and buffer.weight in self.ledger.variables:
            if not stale and self._step.number > 1:
                self._trouble("call-order", OUT_OF_ORDER)
            self._scopes.clear()
