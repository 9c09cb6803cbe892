"""The computation that one backward pass differentiates, as nodes with values.

A graph comes from an executor's symbol, or from the operators seen while `autograd` recorded, in which
a hybridised block is opened up into its own symbol. Rules ask it what is connected to what, and for
values; those inside a symbol are computed again, once, from the same inputs.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ...runtime import mx
from ..hooks.listener import OperatorCall

RANDOM = {
    "Dropout",
    "RNN",
    "_sample_uniform",
    "_sample_normal",
    "_random_uniform",
    "_random_normal",
    "Custom",
}
FUSED_RELU = "_contrib_BatchNormWithReLU"  # gluon.nn.BatchNormReLU
ACTIVATIONS = {"relu", "sigmoid", "tanh", "softsign", "softrelu"}


@dataclass(eq=False)
class Node:
    """One operator, or a leaf (`op` is "null"): data, label, parameter or auxiliary state."""

    op: str
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    inputs: list[Output] = field(default_factory=list)
    parameter: bool = False  # a leaf that receives gradient or is an auxiliary state
    handle: int = 0  # of a leaf's array, where autograd recorded it
    fetch: Callable[[int], np.ndarray | None] = lambda index: None
    shape_of: Callable[[int], tuple[int, ...] | None] = lambda index: None

    @property
    def activation(self) -> str | None:
        """relu, sigmoid, tanh …, whichever operator computes it; None for other operators."""
        kind = self.attributes.get("act_type") if self.op in ("Activation", "LeakyReLU") else self.op
        if self.op == FUSED_RELU:
            return "relu"
        kind = (kind or "").removeprefix("_npx_")
        return kind if kind in ACTIVATIONS else None


@dataclass(frozen=True)
class Output:
    """The n-th output of a node."""

    node: Node
    index: int = 0

    @property
    def value(self) -> np.ndarray | None:
        """The values, or None where they can't be had."""
        return self.node.fetch(self.index)

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape, or None if unknown."""
        return self.node.shape_of(self.index)


@dataclass
class Graph:
    """The nodes above the heads of a backward pass, inputs before users."""

    heads: list[Output]
    head_gradients: list[np.ndarray | None]  # None: ones
    executor: bool  # from a bound symbol: loss operators there ignore the head gradient

    @cached_property
    def nodes(self) -> list[Node]:
        """In topological order."""
        order: list[Node] = []
        seen: set[Node] = set()
        stack = [(head.node, False) for head in reversed(self.heads)]
        while stack:
            node, expanded = stack.pop()
            if expanded:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack += [(each.node, False) for each in reversed(node.inputs)]
        return order

    @cached_property
    def users(self) -> dict[Node, list[Node]]:
        """For each node, those that take one of its outputs."""
        users: dict[Node, list[Node]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for each in node.inputs:
                users[each.node].append(node)
        return users

    def named(self, *ops: str) -> Iterator[Node]:
        """The nodes of these operators."""
        return (node for node in self.nodes if node.op in ops)

    @cached_property
    def data(self) -> list[Output]:
        """Leaves that are neither parameters nor labels: what is fed to the first layers."""
        return [
            Output(node)
            for node in self.nodes
            if node.op == "null"
            and not node.parameter
            and any(user.op in TAKES_DATA for user in self._beyond_shape(node))
        ]

    @cached_property
    def batch_sizes(self) -> set[int]:
        """What the number of examples may be: the first dimension of the data (in a sequence also the second)."""
        sizes = set()
        for output in self.data:
            shape = output.shape or ()
            sizes |= set(shape[:1])
            if self.feeds(output, "RNN", "Embedding", "_npx_rnn", "_npx_embedding"):
                sizes |= set(shape[1:2])
        return sizes

    def feeds(self, output: Output, *ops: str) -> bool:
        """Whether a leaf goes, but for its shape unchanged, into one of these operators."""
        return any(user.op in ops for user in self._beyond_shape(output.node))

    def beside(self, output: Output) -> tuple[Node, ...]:
        """The parameters that a leaf meets in the operators that take it."""
        met = (each.node for user in self._beyond_shape(output.node) for each in user.inputs[1:])
        return tuple(node for node in met if node.parameter)

    def _beyond_shape(self, node: Node) -> list[Node]:
        users, found = [user for user in self.users[node] if user.inputs[0].node is node], []
        while users:
            user = users.pop()
            found.append(user)
            if user.op in SHAPE_ONLY:
                users += [each for each in self.users[user] if each.inputs[0].node is user]
        return found


SHAPE_ONLY = {
    *("Reshape", "reshape", "Flatten", "flatten", "expand_dims", "transpose", "squeeze", "Cast", "cast"),
    *("_copy", "identity", "_npi_reshape", "_npx_reshape", "_np_reshape", "_copyto", "BlockGrad", "SwapAxis"),
    *("reshape_like", "_npx_batch_flatten", "amp_cast"),
}
TAKES_DATA = {
    *("FullyConnected", "Convolution", "Deconvolution", "RNN", "Embedding", "dot", "BatchNorm", "Pooling"),
    *("_npx_fully_connected", "_npx_convolution", "_npx_rnn", "_npx_embedding", "_npi_dot", "_np_dot"),
    *(
        "_npx_batch_norm",
        FUSED_RELU,
        "LayerNorm",
        "batch_dot",
        "linalg_gemm2",
        "_linalg_gemm2",
        "_npi_matmul",
    ),
}


BATCH_NORM = {"BatchNorm", "_npx_batch_norm", FUSED_RELU}


def fixed_gammas(graph: Graph) -> set[str]:
    """The gammas that their batch norm holds at 1 (fix_gamma, the default of the symbol and operator)."""
    return {
        node.inputs[1].node.name
        for node in graph.named(*BATCH_NORM)
        if node.attributes.get("fix_gamma", "True") in ("True", "1") and len(node.inputs) > 1
    }


class SymbolPart:
    """A symbol with the arrays it was run on; values inside it are computed together at the first request."""

    def __init__(self, symbol: mx.sym.Symbol, arrays: dict[str, mx.nd.NDArray], training: bool) -> None:
        self._symbol, self._arrays = symbol, arrays
        self._internals = symbol.get_internals()
        self._names = self._internals.list_outputs()
        self._values: dict[str, np.ndarray] = {}
        self.nodes: list[Node] = []
        parsed = json.loads(symbol.tojson())
        entries = _entries(parsed["nodes"], self._names)
        random = any(node["op"] in RANDOM for node in parsed["nodes"])
        # Evaluating a Dropout in training mode would draw from the user's random numbers.
        self._training = training and not random
        self._wanted = {
            name
            for number, node in enumerate(parsed["nodes"])
            if node["op"] in WORTH_A_VALUE
            for source, index, *_ in [*node["inputs"], [number, 0]]
            if parsed["nodes"][source]["op"] != "null"
            for name in entries[source][index : index + 1]
        }
        for number, node in enumerate(parsed["nodes"]):
            self.nodes.append(
                Node(
                    node["op"],
                    node["name"],
                    node.get("attrs", {}),
                    [Output(self.nodes[source], index) for source, index, *_ in node["inputs"]],
                    fetch=self._fetcher(entries[number]),
                    shape_of=self._shaper(entries[number]),
                )
            )
        self.heads = [Output(self.nodes[source], index) for source, index, *_ in parsed["heads"]]
        made = zip(self.nodes, entries, strict=True)
        self._activations = {names[0] for node, names in made if node.activation}

    @cached_property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        known = {
            name: self._arrays[name].shape for name in self._symbol.list_arguments() if name in self._arrays
        }
        _, shapes, _ = self._internals.infer_shape_partial(**known)
        return {name: tuple(shape) for name, shape in zip(self._names, shapes or [], strict=False)}

    def _shaper(self, names: list[str]) -> Callable[[int], tuple[int, ...] | None]:
        return lambda index: self._shapes.get(names[index]) if index < len(names) else None

    def _fetcher(self, names: list[str]) -> Callable[[int], np.ndarray | None]:
        def fetch(index: int) -> np.ndarray | None:
            if index >= len(names):
                return None
            name = names[index]
            if name in self._arrays:
                return self._arrays[name].asnumpy()
            if name not in self._values:
                together = self._activations if name in self._activations else self._wanted
                self._evaluate(together | {name})
            return self._values[name]

        return fetch

    def _evaluate(self, names: Iterable[str]) -> None:
        names = sorted(set(names) - self._values.keys())
        group = mx.sym.Group([self._internals[name] for name in names])
        arguments = {name: self._arrays[name] for name in group.list_arguments()}
        states = {name: self._arrays[name].copy() for name in group.list_auxiliary_states()}
        device = next(iter(arguments.values())).context
        executor = group.bind(device, arguments, grad_req="null", aux_states=states)
        outputs = executor.forward(is_train=self._training)
        self._values |= {name: output.asnumpy() for name, output in zip(names, outputs, strict=True)}


# Operators whose inputs and outputs rules look at: evaluated together, in one forward pass.
WORTH_A_VALUE = {
    *(
        "SoftmaxOutput",
        "Softmax",
        "LinearRegressionOutput",
        "LogisticRegressionOutput",
        "MAERegressionOutput",
    ),
    *("SVMOutput", "MakeLoss", "make_loss", "pick", "log_softmax", "softmax", "softmax_cross_entropy", "log"),
    *("mean", "sum", "_npx_pick", "_npx_log_softmax", "_npx_softmax", "_npi_log", "one_hot"),
}


def _entries(nodes: list[dict], names: list[str]) -> list[list[str]]:
    """For each node the names of its outputs among the internals' names, which come in the same order."""
    entries: list[list[str]] = []
    position = 0
    for number, node in enumerate(nodes):
        mine = [names[position]]
        position += 1
        following = nodes[number + 1]["name"] if number + 1 < len(nodes) else None
        while (
            node["op"] != "null"
            and position < len(names)
            and names[position].startswith(node["name"] + "_")
            and not (
                following and (names[position] == following or names[position].startswith(following + "_"))
            )
        ):
            mine.append(names[position])
            position += 1
        entries.append(mine)
    return entries


def of_executor(executor: mx.executor.Executor, head_gradients: list[mx.nd.NDArray]) -> Graph:
    """The graph of a bound executor whose arrays hold the batch."""
    arrays = executor.arg_dict | executor.aux_dict
    part = SymbolPart(executor._symbol, arrays, training=True)
    auxiliary = set(executor.aux_dict)
    for node in part.nodes:
        node.parameter = node.op == "null" and (
            node.name in auxiliary or executor.grad_dict.get(node.name) is not None
        )
    return Graph(part.heads, [gradient.asnumpy() for gradient in head_gradients], executor=True)


class Tape:
    """The operators seen while autograd recorded, with shallow copies of their arrays.

    Kept on sampled steps only: the copies keep the arrays alive until the step is over.
    """

    def __init__(self, is_parameter: Callable[[int], bool]) -> None:
        self._outputs: dict[int, Output] = {}
        self._is_parameter = is_parameter

    def add(self, call: OperatorCall) -> None:
        """One imperative operator."""
        self.add_node(call.name, call.inputs, call.outputs, call.attributes)

    def add_node(
        self, op: str, inputs: list[int], outputs: list[int], attributes: dict[str, str] | None = None
    ) -> None:
        """Whatever made these arrays of those."""
        sources = [self._output(handle) for handle in inputs]
        arrays = [shallow_copy(handle) for handle in outputs]
        node = Node(op, op, attributes or {}, sources, fetch=_fetch(arrays), shape_of=_shape(arrays))
        for index, handle in enumerate(outputs):
            self._outputs[handle] = Output(node, index)

    def add_cached_op(
        self, symbol: mx.sym.Symbol, inputs: list[int], outputs: list[int], training: bool
    ) -> None:
        """A hybridised block, opened up."""
        sources = [self._output(handle) for handle in inputs]
        names = symbol.list_inputs()
        arrays = {name: shallow_copy(handle) for name, handle in zip(names, inputs, strict=True)}
        part = SymbolPart(symbol, arrays, training)
        leaves = dict(zip(names, sources, strict=True))
        auxiliary = set(symbol.list_auxiliary_states())
        for node in part.nodes:
            node.inputs = [
                leaves[each.node.name] if each.node.op == "null" and each.node.name in leaves else each
                for each in node.inputs
            ]
        for name, source in leaves.items():
            if source.node.op == "null":
                source.node.name = name
                source.node.parameter |= name in auxiliary
        for handle, head in zip(outputs, part.heads, strict=False):
            self._outputs[handle] = leaves.get(head.node.name, head) if head.node.op == "null" else head

    def forget(self, array: int) -> None:
        """The handle was freed; another array may get its address."""
        self._outputs.pop(array, None)

    def graph(self, heads: list[int], head_gradients: list[int]) -> Graph | None:
        """What a backward pass from these arrays differentiates; None if they were not seen being made."""
        if not all(handle in self._outputs for handle in heads):
            return None
        gradients = [shallow_copy(handle).asnumpy() if handle else None for handle in head_gradients]
        gradients = gradients or [None] * len(heads)
        return Graph([self._outputs[handle] for handle in heads], gradients, executor=False)

    def _output(self, handle: int) -> Output:
        if handle not in self._outputs:
            arrays = [shallow_copy(handle)]
            node = Node("null", "array", parameter=self._is_parameter(handle), handle=handle)
            node.fetch, node.shape_of = _fetch(arrays), _shape(arrays)
            self._outputs[handle] = Output(node)
        return self._outputs[handle]


def shallow_copy(handle: int) -> mx.nd.NDArray:
    """An NDArray of our own that shares the memory of the array with this handle."""
    copy = mx.base.NDArrayHandle()
    mx.base.check_call(mx.base._LIB.MXShallowCopyNDArray(ctypes.c_void_p(handle), ctypes.byref(copy)))
    return mx.nd.NDArray(copy)


def _fetch(arrays: list[mx.nd.NDArray]) -> Callable[[int], np.ndarray | None]:
    return lambda index: arrays[index].asnumpy() if index < len(arrays) else None


def _shape(arrays: list[mx.nd.NDArray]) -> Callable[[int], tuple[int, ...] | None]:
    return lambda index: arrays[index].shape if index < len(arrays) else None
