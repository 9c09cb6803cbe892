"""A recorded computation run again, in float64, on copies: what its heads would be with other parameters."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping
from types import ModuleType

import numpy as np

from ...runtime import mx
from ...runtime.drawing import draws
from ..hooks.listener import operator_names
from .graph import Graph, Node, Output
from .losses import counted, rows_of
from .operators import BATCH_NORM, FLAT, LOSS_OUTPUTS, REGRESSION_OUTPUTS
from .tape import FUNCTION

LARGEST = 1 << 26  # values of all leaves and operators together
WIDER = {"float32": "float64"}


# In the names that a function uses: it draws random numbers, or can be seen from outside.
DOING = (
    "rand",
    "normal",
    "uniform",
    "sampl",
    "shuffle",
    "multinomial",
    "dropout",
    "print",
    "write",
    "log_",
    "append",
)


class CannotReplay(Exception):
    """Some operator can't be run again, or not to the same result; the words say which."""


class Replay:
    """The loss that a backward pass differentiates, as a function of its leaves.

    Operators that pass no gradient on, such as BlockGrad, keep the values that they had.
    """

    def __init__(self, graph: Graph, training: bool = True) -> None:
        """Run it once with its own values. Raises CannotReplay."""
        self._graph, self._training = graph, training
        _affordable(graph)
        self.values: dict[Node, list[mx.nd.NDArray]] = {}
        for node in graph.nodes:
            self.values[node] = [_leaf(node)] if node.is_leaf else self._run(node, self.values)
        self.loss = self._loss(self.values)
        self._compare()

    def loss_with(self, changed: Mapping[Node, np.ndarray]) -> float:
        """The loss with other values of some leaves."""
        values = dict(self.values)
        moving = set(changed)
        for leaf, value in changed.items():
            values[leaf] = [mx.nd.array(value, dtype=np.float64)]
        for node in self._graph.nodes:
            if node not in moving and any(each.node in moving for each in node.inputs):
                if node.kind in FLAT:
                    continue
                values[node] = self._run(node, values)
                moving.add(node)
        return self._loss(values)

    def _run(self, node: Node, values: Mapping[Node, list[mx.nd.NDArray]]) -> list[mx.nd.NDArray]:
        if node.kind in LOSS_OUTPUTS:
            return values[node.inputs[0].node]  # stood for by its loss
        return run(node, [_taken(values, each) for each in node.inputs], self._training)

    def _loss(self, values: Mapping[Node, list[mx.nd.NDArray]]) -> float:
        total = 0.0
        given = [*self._graph.head_gradients, *[None] * len(self._graph.heads)]
        for head, gradient in zip(self._graph.heads, given, strict=False):
            if head.node.kind in LOSS_OUTPUTS:
                data, *label = (_taken(values, each).asnumpy() for each in head.node.inputs)
                total += _stand_in(head.node, data, *label)
            else:
                total += float(
                    (
                        _taken(values, head).asnumpy() * (1 if gradient is None else gradient.astype(float))
                    ).sum()
                )
        return total

    def _compare(self) -> None:
        """Hold the heads against those that the program has computed: else something else was run."""
        for head in self._graph.heads:
            seen = None if head.node.kind in LOSS_OUTPUTS else head.value
            if seen is not None:
                mine = _taken(self.values, head).asnumpy()
                scale = float(np.abs(seen).max()) + 1e-6
                if mine.shape != seen.shape or not np.abs(mine - seen).max() < 1e-3 * scale:
                    raise CannotReplay("it does not come to the same result again")


def run(node: Node, inputs: list[mx.nd.NDArray], training: bool) -> list[mx.nd.NDArray]:
    """Run one operator, unrecorded. Raises CannotReplay."""
    with mx.autograd.pause(train_mode=training):
        return call(node, inputs)


def call(node: Node, inputs: list[mx.nd.NDArray]) -> list[mx.nd.NDArray]:
    """Call an operator as a program does, for arrays of any type. Raises CannotReplay."""
    if node.op == FUNCTION:
        return _call_function(node, inputs)
    if node.op == "reshape":  # a view
        return [inputs[0].reshape(Output(node).shape)]
    handle = _handles().get(node.op)
    if handle is None or draws(node.op, node.attributes):
        raise CannotReplay(
            f"{node.op} draws random numbers" if handle else f"{node.op} can't be called again"
        )
    attributes = {key: value for key, value in node.attributes.items() if not key.startswith("__")}
    if inputs and inputs[0].dtype == np.float64 and attributes.get("dtype") in WIDER:
        attributes["dtype"] = WIDER[attributes["dtype"]]
    if node.kind in BATCH_NORM:
        inputs = [*inputs[:3], *(each.copy() for each in inputs[3:])]  # which the operator writes
    try:
        texts = list(attributes), list(attributes.values())
        made = mx._ctypes.ndarray._imperative_invoke(handle, inputs, *texts, None, False, True)
        for each in made:
            each.wait_to_read()
    except mx.base.MXNetError:
        raise CannotReplay(f"{node.op} has no form for float64") from None
    return made


def _call_function(node: Node, inputs: list[mx.nd.NDArray]) -> list[mx.nd.NDArray]:
    if node.function is None or not _is_plain(node.function):
        raise CannotReplay(f"{node.name} is the program's own and may do more than compute")
    again = copy.copy(node.function)
    again._used = False
    made = again(*inputs)
    return list(made) if isinstance(made, (list, tuple)) else [made]


def _is_plain(function: mx.autograd.Function) -> bool:
    """Whether a hand-written forward pass only calls MXNet: run again, it must draw no number and print no word."""
    code = getattr(type(function).forward, "__code__", None)
    if (
        code is None
        or code.co_freevars
        or any(word in name.lower() for name in code.co_names for word in DOING)
    ):
        return False
    known = vars(sys.modules[type(function).__module__])
    foreign = [
        known[name] for name in code.co_names if name in known and not isinstance(known[name], ModuleType)
    ]
    return not any(callable(each) for each in foreign)


def _handles() -> Mapping[str, int]:
    return {name: handle for handle, name in operator_names().items()}


def _affordable(graph: Graph) -> None:
    inner = [node for node in graph.nodes if node.kind in LOSS_OUTPUTS]
    if any(graph.users[node] for node in inner):
        raise CannotReplay(f"{inner[0].op} stands inside the graph")
    if sum(int(np.prod(Output(node).shape or (1,))) for node in graph.nodes) > LARGEST:
        raise CannotReplay("it is too large")


def _leaf(node: Node) -> mx.nd.NDArray:
    value = Output(node).value
    if value is None or value.dtype == np.float16:
        raise CannotReplay(f"{node.name} is sparse, large, or of a type of few digits")
    return mx.nd.array(value, dtype=np.float64 if value.dtype.kind == "f" else value.dtype)


def _taken(values: Mapping[Node, list[mx.nd.NDArray]], output: Output) -> mx.nd.NDArray:
    made = values[output.node]
    if output.index >= len(made):
        raise CannotReplay(f"{output.node.op} has an output that is not seen")
    return made[output.index]


# The losses that MXNet's output operators stand for, by their gradients in its source


def _stand_in(node: Node, data: np.ndarray, label: np.ndarray | None = None) -> float:
    """The loss whose derivative the operator hands down."""
    scale = float(node.attributes.get("grad_scale", 1))
    if node.kind in REGRESSION_OUTPUTS:
        return scale * len(data) / data.size * _REGRESSIONS[node.kind](data, label.reshape(data.shape))
    if node.kind == "make_loss" and node.attributes.get("normalization", "null") != "valid":
        by = rows_of(data.shape) if node.attributes.get("normalization") == "batch" else 1
        return scale / by * float(data.sum())
    settings = ("multi_output", "preserve_shape", "out_grad")
    plain = not any(node.flag(each) for each in settings) and not float(
        node.attributes.get("smooth_alpha", 0)
    )
    weight = (
        counted(node)
        if node.kind == "SoftmaxOutput" and plain and data.ndim == 2 and label.ndim == 1
        else None
    )
    if weight is None:
        raise CannotReplay(f"the loss of {node.op} is not known")
    if (label < 0).any() or (label >= data.shape[1]).any():
        raise CannotReplay(f"{node.op} is given labels outside its classes")
    shifted = data - data.max(axis=1, keepdims=True)
    logarithms = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    kept = (
        label != float(node.attributes.get("ignore_label", -1)) if node.flag("use_ignore") else label == label
    )
    picked = logarithms[np.arange(len(label)), np.clip(label.astype(int), 0, data.shape[1] - 1)]
    return -weight[0] / max(weight[1], 1) * float(picked[kept].sum())


_REGRESSIONS: Mapping[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "LinearRegressionOutput": lambda x, y: float(np.square(x - y).sum() / 2),
    "LogisticRegressionOutput": lambda x, y: float((np.logaddexp(0, x) - x * y).sum()),
    "MAERegressionOutput": lambda x, y: float(np.abs(x - y).sum()),
}
