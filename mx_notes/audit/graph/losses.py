"""How much each example's loss weighs in the gradient, read off the graph between the losses and the heads."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np

from .graph import SHAPE_ONLY, Graph, Node, Output

SAME = SHAPE_ONLY | {"_plus_scalar", "_minus_scalar", "_npi_add_scalar", "_npi_subtract_scalar", "make_loss"}
ADDING = {
    "elemwise_add",
    "_plus",
    "_add",
    "broadcast_add",
    "_npi_add",
    "add_n",
    "ElementWiseSum",
    "_grad_add",
}
SUBTRACTING = {"elemwise_sub", "_minus", "_sub", "broadcast_sub", "_npi_subtract"}
MULTIPLYING = {"elemwise_mul", "_mul", "broadcast_mul", "_npi_multiply"}
FACTORS = {
    "_mul_scalar": lambda scalar: scalar,
    "_npi_multiply_scalar": lambda scalar: scalar,
    "_div_scalar": lambda scalar: 1 / scalar,
    "_npi_true_divide_scalar": lambda scalar: 1 / scalar,
}
_NEGATIVE = {"negative", "_npi_negative", "_rminus_scalar", "_npi_rsubtract_scalar"}
MEANS, SUMS = {"mean", "_npi_mean"}, {"sum", "sum_axis", "_np_sum", "_npi_sum"}


@dataclass
class Losses:
    """Losses of examples (or of their tokens, pixels) that one backward pass starts from.

    weight: the sum of their factors in what is differentiated; 1 for a mean, `elements` for a sum.
    """

    node: Node
    weight: float
    elements: int
    examples: set[int]  # what the number of examples may be


def losses(graph: Graph) -> list[Losses]:
    """The losses below each head of a graph; empty where they can't be told."""
    found: list[Losses] = []
    for head, gradient in zip(graph.heads, [*graph.head_gradients, *[None] * len(graph.heads)], strict=False):
        if graph.executor and head.node.op in _OUTPUTS | {"make_loss": None}:
            gradient = None  # which these ignore
        elif graph.executor and (gradient is None or not _is_weight(gradient)):
            continue  # no gradient starts here, or one of a loss that is computed elsewhere
        shape = head.shape
        if shape is None:
            continue
        start = np.ones(shape or (1,)) if gradient is None else gradient
        _descend(graph, head, start, found)
    return found


def _is_weight(gradient: np.ndarray) -> bool:
    """Whether a gradient from outside is what each example's loss counts, as 1/N is, and not a loss's own."""
    return bool(gradient.size and gradient.ndim <= 1 and gradient.flat[0] > 0 and np.ptp(gradient) == 0)


def _softmax_output(graph: Graph, node: Node) -> tuple[float, int] | None:
    label = node.inputs[1].value
    if label is None:
        return None
    scale = float(node.attributes.get("grad_scale", 1))
    ignored = _true(node, "use_ignore")
    counted = (
        label != float(node.attributes.get("ignore_label", -1)) if ignored else np.ones(label.shape, bool)
    )
    elements = int(counted.sum())
    how = node.attributes.get("normalization", "null")
    divisor = {"batch": label.shape[0], "valid": max(elements, 1)}.get(how, 1)
    return scale * elements / divisor, elements


def _regression_output(graph: Graph, node: Node) -> tuple[float, int] | None:
    shape = node.inputs[0].shape
    # Its gradient is divided by the number of outputs of an example, so each example counts 1.
    return (float(node.attributes.get("grad_scale", 1)) * shape[0], shape[0]) if shape else None


def _svm_output(graph: Graph, node: Node) -> tuple[float, int] | None:
    shape = node.inputs[0].shape
    return (
        (float(node.attributes.get("regularization_coefficient", 1)) * shape[0], shape[0]) if shape else None
    )


_OUTPUTS = {
    "SVMOutput": _svm_output,
    "SoftmaxOutput": _softmax_output,
    "Softmax": _softmax_output,
    "LinearRegressionOutput": _regression_output,
    "LogisticRegressionOutput": _regression_output,
    "MAERegressionOutput": _regression_output,
    "MakeLoss": None,
}


def _descend(graph: Graph, output: Output, gradient: np.ndarray, found: list[Losses]) -> None:
    """Follow the gradient down through sums, means and factors to the losses of examples."""
    node = output.node
    sizes = graph.batch_sizes
    if node.op in _OUTPUTS and node.op != "MakeLoss":
        counted = _OUTPUTS[node.op](graph, node)
        if counted:
            found.append(Losses(node, *counted, examples=sizes))
        return
    if node.op == "null" or not _depends_on_data(graph, node):
        return
    shape = output.shape
    if node.op == "MakeLoss":
        gradient = np.full(shape, float(node.attributes.get("grad_scale", 1)))
        if node.attributes.get("normalization") == "batch":
            gradient = gradient / shape[0]
        if node.attributes.get("normalization") == "valid":
            values = node.inputs[0].value
            valid = (
                0 if values is None else int((values > float(node.attributes.get("valid_thresh", 0))).sum())
            )
            found.append(Losses(node, float(gradient.flat[0]), max(valid, 1), sizes))
            return
        _descend(graph, node.inputs[0], gradient, found)
        return
    if node.op == "make_loss":
        gradient = np.ones(shape)
    elements = int(np.prod(shape)) if shape else 1
    # A number for each example, or for each of its tokens: what is below makes one loss.
    if elements > 1 and (not sizes or any(shape[0] == size or elements % size == 0 for size in sizes)):
        found.append(Losses(node, float(gradient.sum()), elements, sizes))
        return
    for source, passed in _inputs(node, gradient):
        _descend(graph, source, passed, found)


def _inputs(node: Node, gradient: np.ndarray):
    """The inputs through which a gradient goes on linearly, each with its gradient."""
    first = node.inputs[0] if node.inputs else None
    shape = first.shape if first else None
    if shape is None:
        return []
    if node.op in MEANS or node.op in SUMS:
        spread = np.broadcast_to(_unreduce(node, gradient, shape), shape)
        return [(first, spread * (gradient.size / spread.size if node.op in MEANS else 1))]
    if node.op in FACTORS:
        return [(first, gradient * FACTORS[node.op](float(node.attributes["scalar"])))]
    if node.op in _NEGATIVE:
        return [(first, -gradient)]
    if node.op in SAME and gradient.size == np.prod(shape or (1,)):
        return [(first, gradient.reshape(shape))]
    if node.op in ADDING:
        return [(source, gradient) for source in node.inputs if source.shape == gradient.shape]
    if node.op in SUBTRACTING:
        return [(s, g) for s, g in zip(node.inputs, (gradient, -gradient), strict=True) if s.shape == g.shape]
    return []


def _unreduce(node: Node, gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    axes = ast.literal_eval(node.attributes.get("axis") or "None")
    if axes is None or axes == ():
        return gradient.reshape((1,) * len(shape))
    axes = {axis % len(shape) for axis in (axes if isinstance(axes, (tuple, list)) else (axes,))}
    if _true(node, "exclude"):
        axes = set(range(len(shape))) - axes
    return gradient.reshape([1 if axis in axes else size for axis, size in enumerate(shape)])


def terms(graph: Graph) -> set[Node]:
    """The nodes whose outputs add up to the losses that backward starts from, with factors but nothing else."""
    linear = (
        SAME | ADDING | SUBTRACTING | MULTIPLYING | set(FACTORS) | MEANS | SUMS | _NEGATIVE | {"MakeLoss"}
    )
    found: set[Node] = set()
    stack = [h.node for h in graph.heads if not graph.executor or h.node.op in ("MakeLoss", "make_loss")]
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack += [each.node for each in node.inputs] if node.op in linear else []
    return found


def _depends_on_data(graph: Graph, node: Node) -> bool:
    """Whether it is a loss: what is made of parameters and constants alone is a penalty."""
    data = {output.node for output in graph.data}
    seen, stack = set(), [node]
    while stack:
        current = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        if current in data or (not data and current.op == "null" and not current.parameter):
            return True
        stack += [each.node for each in current.inputs]
    return False


def _true(node: Node, attribute: str) -> bool:
    return node.attributes.get(attribute, "False") in ("True", "1", "true")
