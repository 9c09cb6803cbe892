"""The operators seen while autograd recorded, with arrays of the audit's own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...runtime import mx
from ..events import users_place
from ..hooks.listener import OperatorCall
from .graph import LEAF, Graph, Node, Output
from .symbol import SymbolPart
from .values import numpy_of, own

FUNCTION = "Function"  # an autograd.Function, in place of an operator's name
ROWS = "rows"  # a view of some rows, likewise


class Tape:
    """The recorded computation of one step, from whose nodes graphs are made.

    Kept on sampled steps only: its arrays stay alive until the step is over.
    """

    def __init__(self, name_of: Callable[[int], str | None]) -> None:
        """name_of: the name of the parameter whose array has this handle; None of other arrays."""
        self._outputs: dict[int, Output] = {}
        self._name_of = name_of

    def add(self, call: OperatorCall) -> None:
        """Take down one imperative operator."""
        self.add_node(call.name, call.inputs, call.outputs, call.attributes)

    def add_node(
        self,
        op: str,
        inputs: list[int],
        outputs: list[int],
        attributes: dict[str, str] | None = None,
        function: object = None,
    ) -> None:
        """Take down that `op`, or a function, made the outputs of the inputs."""
        sources = [self._output(handle) for handle in inputs]
        arrays = [own(handle) for handle in outputs]
        name = op if function is None else type(function).__name__
        node = Node(op, name, attributes or {}, sources, place=users_place(), function=function)
        node.fetch, node.shape_of = _fetch(arrays), _shape(arrays)
        for index, handle in enumerate(outputs):
            self._outputs[handle] = Output(node, index)

    def add_cached_op(
        self, symbol: mx.sym.Symbol, inputs: list[int], outputs: list[int], training: bool
    ) -> None:
        """Take down a hybridised block, opened up."""
        sources = [self._output(handle) for handle in inputs]
        part = SymbolPart(symbol, [own(handle) for handle in inputs], training)
        leaves = dict(zip(part.leaves, sources, strict=True))
        place = users_place()
        for node in part.nodes:
            node.place = place
            node.inputs = [leaves.get(each.node, each) for each in node.inputs]
        auxiliary = set(symbol.list_auxiliary_states())
        for leaf, source in leaves.items():
            if source.node.is_leaf:
                source.node.name = leaf.name
                source.node.parameter |= leaf.name in auxiliary
        for handle, head in zip(outputs, part.heads, strict=False):
            self._outputs[handle] = leaves.get(head.node, head)

    def forget(self, array: int) -> None:
        """Another array may get this handle, which was freed."""
        self._outputs.pop(array, None)

    def graph(self, heads: list[int], head_gradients: list[int]) -> Graph | None:
        """What a backward pass from these arrays differentiates; None if they were not seen being made."""
        if not all(handle in self._outputs for handle in heads):
            return None
        gradients = [numpy_of(own(handle)) if handle else None for handle in head_gradients]
        return Graph(
            [self._outputs[handle] for handle in heads], gradients or [None] * len(heads), executor=False
        )

    def _output(self, handle: int) -> Output:
        if handle not in self._outputs:
            arrays, name = [own(handle)], self._name_of(handle)
            node = Node(LEAF, name or "array", parameter=name is not None, handle=handle)
            node.fetch, node.shape_of = _fetch(arrays), _shape(arrays)
            self._outputs[handle] = Output(node)
        return self._outputs[handle]


def _fetch(arrays: list[mx.nd.NDArray]) -> Callable[[int], np.ndarray | None]:
    return lambda index: numpy_of(arrays[index]) if index < len(arrays) else None


def _shape(arrays: list[mx.nd.NDArray]) -> Callable[[int], tuple[int, ...] | None]:
    return lambda index: arrays[index].shape if index < len(arrays) else None
