"""A case on one of MXNet's roads to backward, at one precision: arrays to set, outputs, gradients."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from mx_notes.runtime import mx

from .case import Case, evaluate

USES = 9  # from eight on, an executor adds the gradients of an array in place, whatever was requested
HYBRIDISE = {
    "hybridised": {},
    "static": {"static_alloc": True, "static_shape": True},
    "nine uses": {"static_alloc": True},
}


@contextmanager
def semantics(case: Case):
    """The shapes and arrays of mx.np, for a case that needs them."""
    with ExitStack() as stack:
        if case.kind == "np":
            stack.enter_context(mx.util.np_shape(True))
            stack.enter_context(mx.util.np_array(True))
        yield


class Leaves:
    """The arrays of a case whose gradients are asked for, and its outputs from them."""

    def __init__(self, case: Case, precision: str, road: str, text: str = "") -> None:
        text = text or case.text
        values = case.values()
        array = mx.np.array if case.kind == "np" else mx.nd.array
        self.arrays = {name: array(value, dtype=precision) for name, value in values.items()}
        self.parameters: dict[str, Any] = {}
        self._train = not case.predict
        if case.kind == "layer":
            block = evaluate(
                text, mx.nd, {}, {"nn": mx.gluon.nn, "mx": mx, "gluon": mx.gluon, "rnn": mx.gluon.rnn}
            )[0]
            block.cast(precision)
            block.initialize(mx.init.Uniform(0.5))
            with mx.autograd.train_mode():
                block(*self.arrays.values())  # shapes that are known late
            random = np.random.default_rng(3)
            for name, parameter in block.collect_params().items():
                if parameter.grad_req != "null":
                    parameter.set_data(
                        mx.nd.array(random.uniform(0.3, 0.9, parameter.shape), dtype=precision)
                    )
                    self.parameters[name.removeprefix(block.prefix)] = parameter
        else:
            uses = USES if road == "nine uses" else 1
            block = _Function(text, list(self.arrays), case.variables, uses)
        if road in HYBRIDISE:
            block.hybridize(**HYBRIDISE[road])
        self._block, self._array = block, array
        # Nine equal calls would become one. In a program they differ, by their other inputs say.
        os.environ["MXNET_ELIMINATE_COMMON_EXPR"] = str(int(road != "nine uses"))
        self.names = [*case.differentiable, *self.parameters]

    def set(self, name: str, value: np.ndarray) -> None:
        """Give a leaf another value."""
        if name in self.parameters:
            self.parameters[name].set_data(mx.nd.array(value, dtype=self.parameters[name].dtype))
        else:
            self.arrays[name][:] = self._array(value, dtype=self.arrays[name].dtype)

    def value(self, name: str) -> np.ndarray:
        """A copy of a leaf's value."""
        return (self.parameters[name].data() if name in self.parameters else self.arrays[name]).asnumpy()

    def outputs(self) -> list[Any]:
        """One forward pass, in the case's mode, recorded or not."""
        with mx.autograd.train_mode() if self._train else mx.autograd.predict_mode():
            found = self._block(*self.arrays.values())
        found = _flat(found)
        return [each for each in found if np.issubdtype(each.dtype, np.floating)]

    def gradients(
        self, requests: Mapping[str, str], heads: list[np.ndarray], passes: int
    ) -> dict[str, np.ndarray]:
        """The gradient buffers after so many backward passes; each begins as 0.25."""
        for name in self.names:
            request = requests.get(name, "null")
            if name in self.parameters:
                self.parameters[name].grad_req = request
            elif request != "null":
                self.arrays[name].attach_grad(request)
        buffers = {name: self._buffer(name) for name in requests}
        for buffer in buffers.values():
            buffer[:] = 0.25
        for _ in range(passes):
            with mx.autograd.record(train_mode=self._train):
                outputs = self.outputs()
            _stir(outputs)
            head = [self._array(head, dtype=each.dtype) for head, each in zip(heads, outputs, strict=True)]
            mx.autograd.backward(outputs, head, train_mode=self._train)
        return {name: self._buffer(name).asnumpy() for name in requests}

    def _buffer(self, name: str) -> Any:
        return self.parameters[name].grad() if name in self.parameters else self.arrays[name].grad


class _Function(mx.gluon.HybridBlock):
    """An expression as a block."""

    def __init__(self, text: str, names: list[str], variables: dict[str, Any], uses: int) -> None:
        super().__init__()
        self._text, self._names, self._variables, self._uses = text, names, variables, uses

    def hybrid_forward(self, F: Any, *inputs: Any) -> Any:
        """Evaluate the expression once, or often on intermediate values and added up."""
        if self._uses == 1:
            return evaluate(self._text, F, dict(zip(self._names, inputs, strict=True)), self._variables)
        inside = dict(zip(self._names, [each * 1 for each in inputs], strict=True))
        often = [evaluate(self._text, F, inside, self._variables) for _ in range(self._uses)]
        return [_total(outputs) for outputs in zip(*often, strict=True)]


def _total(outputs: tuple) -> Any:
    total = outputs[0]
    for each in outputs[1:]:
        total = total + each
    return total


def executed(
    case: Case,
    precision: str,
    requests: Mapping[str, str],
    heads: list[np.ndarray],
    passes: int,
    text: str = "",
) -> dict[str, np.ndarray]:
    """The gradients as `Leaves.gradients` has them, of an executor as Module binds it."""
    variables = {name: mx.sym.Variable(name) for name in case.inputs}
    if case.kind == "np":
        variables = {name: each.as_np_ndarray() for name, each in variables.items()}
    outputs = evaluate(text or case.text, mx.sym, variables, case.variables)
    symbol = outputs[0] if len(outputs) == 1 else mx.sym.Group(outputs)
    array = mx.np.array if case.kind == "np" else mx.nd.array
    arguments = {
        name: array(value, dtype=precision)
        for name, value in case.values().items()
        if name in symbol.list_arguments()
    }
    asked = {name: requests.get(name, "null") for name in arguments}
    buffers = {name: array(np.full(arguments[name].shape, 0.25), dtype=precision) for name in requests}
    executor = symbol.bind(
        mx.cpu(),
        arguments,
        buffers,
        asked,
        {name: mx.nd.zeros(()) for name in symbol.list_auxiliary_states()},
    )
    for _ in range(passes):
        found = executor.forward(is_train=True)
        _stir(found)
        executor.backward([array(head, dtype=each.dtype) for head, each in zip(heads, found, strict=True)])
    return {name: buffer.asnumpy() for name, buffer in buffers.items()}


def _flat(outputs: Any) -> list[Any]:
    if not isinstance(outputs, (list, tuple)):
        return [outputs]
    return [each for some in outputs for each in _flat(some)]


def _stir(outputs: list[Any]) -> None:
    """Leave other numbers in the memory that MXNet hands out next, so that what is read unwritten shows."""
    for each in outputs:
        for _ in range(2):
            mx.nd.full(max(each.size, 1), 777.0, dtype=each.dtype).wait_to_read()
