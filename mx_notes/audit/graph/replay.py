"""A recorded computation run again, in float64, on copies: what its heads would be with other parameters."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np

from ...runtime import mx
from ...runtime.drawing import draws
from ..hooks.listener import operator_names
from .graph import Graph, Node, Output
from .hand_written import CUSTOM, CannotReplay, call_function, expect_plain
from .losses import counted, rows_of
from .operators import BATCH_NORM, FLAT, FUSED_RELU, LOSS_OUTPUTS, REGRESSION_OUTPUTS
from .tape import FUNCTION, ROWS

LARGEST = 1 << 26  # values of all leaves and operators together
WIDER = {"float32": "float64"}


class OutOfTime(Exception):
    """The time for it was over."""


class Replay:
    """The loss that a backward pass differentiates, as a function of its leaves.

    Operators that pass no gradient on, such as BlockGrad, keep the values that they had.
    """

    def __init__(self, graph: Graph, training: bool = True, until: float = float("inf")) -> None:
        """Run it once with its own values. until: when to stop, as `time.monotonic` says.

        Raises CannotReplay, and, as all that runs operators, OutOfTime.
        """
        self._graph, self._training, self.until = graph, training, until
        _affordable(graph)
        self.values: dict[Node, list[mx.nd.NDArray]] = {}
        self._kept: dict[
            Node, tuple[np.ndarray, np.ndarray]
        ] = {}  # of a Dropout: the factors, and where it got 0
        for node in graph.nodes:
            self.values[node] = self._run(node, self.values) if node.inputs else [_leaf(node)]
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
        if time.monotonic() > self.until:
            raise OutOfTime
        if node.kind in LOSS_OUTPUTS:
            return values[node.inputs[0].node]  # stood for by its loss
        given = [_taken(values, each) for each in node.inputs]
        if node.op == "Dropout" and draws(node.op, node.attributes, self._training):
            return [self._dropped(node, given[0])]
        return run(node, given, self._training)

    def _dropped(self, node: Node, given: mx.nd.NDArray) -> mx.nd.NDArray:
        """Drop what the program has dropped, where that can be told from its numbers."""
        numbers = given.asnumpy()
        if node not in self._kept:
            seen, rate = Output(node).value, float(node.attributes.get("p", 0.5))
            kept = None if seen is None else (seen != 0) / (1 - rate)
            # Inside a hybridised block its values are computed again, without dropping any.
            if kept is None or np.linalg.norm(numbers * kept - seen) > rate / 2 * np.linalg.norm(seen):
                raise CannotReplay("Dropout draws random numbers")
            self._kept[node] = kept, numbers == 0
        kept, unknown = self._kept[node]
        if numbers[unknown].any():
            raise CannotReplay("Dropout was given zeros, of which it can't be told whether they were dropped")
        return mx.nd.array(numbers * kept, dtype=np.float64)

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
        return call_function(node, inputs)
    wide = bool(inputs) and any(each.dtype == np.float64 for each in inputs)
    if node.op == FUSED_RELU and wide:  # which is of float32 only
        normalised, *statistics = call(replace(node, op="BatchNorm"), inputs)
        return [mx.nd.relu(normalised), *statistics]
    if node.op != CUSTOM and draws(node.op, node.attributes):  # a custom one is known to be plain
        raise CannotReplay(f"{node.op} draws random numbers")
    if node.kind in BATCH_NORM:
        inputs = [*inputs[:3], *(each.copy() for each in inputs[3:])]  # which the operator writes
    with suppress(mx.base.MXNetError):
        return _invoke(node, inputs)
    if wide:
        with suppress(mx.base.MXNetError):  # beside what one_hot, ones_like and others make in float32
            return _invoke(node, _cast(inputs, np.float32, np.float64))
        with suppress(mx.base.MXNetError):  # in float32, in which the program has called it
            return _cast(_invoke(node, _cast(inputs, np.float64, np.float32)), np.float32, np.float64)
    raise CannotReplay(f"{node.op} can't be called again")


def _invoke(node: Node, inputs: list[mx.nd.NDArray]) -> list[mx.nd.NDArray]:
    attributes = {key: value for key, value in node.attributes.items() if not key.startswith("__")}
    if node.op in ("reshape", ROWS):  # views
        (whole,), shape = inputs, Output(node).shape
        rows = {key: int(value) for key, value in attributes.items()}
        return [(mx.nd.slice_axis(whole, axis=0, **rows) if rows else whole).reshape(shape)]
    handle = _handles().get(node.op)
    if handle is None:
        raise CannotReplay(f"{node.op} can't be called again")
    if inputs[0].dtype == np.float64 and attributes.get("dtype") in WIDER:
        attributes["dtype"] = WIDER[attributes["dtype"]]
    texts = list(attributes), list(attributes.values())
    made = mx._ctypes.ndarray._imperative_invoke(handle, inputs, *texts, None, False, True)
    for each in made:
        each.wait_to_read()
    return made


def _cast(arrays: list[mx.nd.NDArray], before: type, after: type) -> list[mx.nd.NDArray]:
    return [each.astype(after) if each.dtype == before else each for each in arrays]


def _handles() -> Mapping[str, int]:
    return {name: handle for handle, name in operator_names().items()}


def _affordable(graph: Graph) -> None:
    if any(head.node.op == CUSTOM for head in graph.heads):
        raise CannotReplay("the loss that a custom operator stands for is not known")
    for node in graph.of_kind(CUSTOM):
        expect_plain(node)
    inner = [node for node in graph.nodes if node.kind in LOSS_OUTPUTS]
    if any(graph.users[node] for node in inner):
        raise CannotReplay(f"{inner[0].op} stands inside the graph")
    if sum(int(np.prod(Output(node).shape or (1,))) for node in graph.nodes) > LARGEST:
        raise CannotReplay("it is too large")


def _leaf(node: Node) -> mx.nd.NDArray:
    value = Output(node).value
    if value is None and draws(node.op, node.attributes):
        raise CannotReplay(f"{node.op} draws random numbers")
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
