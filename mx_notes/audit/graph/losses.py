"""How much each example's loss weighs in the gradient, read off the graph between the losses and the heads."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from .graph import Graph, Node, Output
from .operators import (
    ADDING,
    DIVIDING,
    FACTORS,
    LOSS_OUTPUTS,
    MEANS,
    MULTIPLYING,
    NEGATING,
    PLUS_A_NUMBER,
    REGRESSION_OUTPUTS,
    SHAPE_ONLY,
    SUBTRACTING,
    SUMS,
)

SAME = SHAPE_ONLY | PLUS_A_NUMBER | {"_minus_scalar", "make_loss"}


@dataclass
class Losses:
    """Losses of examples (or of their tokens, pixels) that one backward pass starts from.

    weight: the sum of their factors in what is differentiated; 1 for a mean, `elements` for a sum.
    """

    node: Node
    weight: float
    elements: int
    examples: set[int]  # what the number of examples may be
    known: bool = True  # False: each loss is divided by a number whose meaning can't be told


def losses(graph: Graph) -> list[Losses]:
    """The losses below each head of a graph; empty where they can't be told."""
    found: list[Losses] = []
    for head, gradient in zip(graph.heads, [*graph.head_gradients, *[None] * len(graph.heads)], strict=False):
        if graph.executor and head.node.kind in LOSS_OUTPUTS:
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
    """Whether a gradient from outside is a factor for each example's loss, as 1/N is, and not a loss's own."""
    return bool(gradient.size and gradient.ndim <= 1 and gradient.flat[0] > 0 and np.ptp(gradient) == 0)


def rows_of(shape: tuple[int, ...]) -> int:
    """What MakeLoss takes for the batch size: it sees all but the last dimension as one, and 1 of a vector."""
    return int(np.prod(shape[:-1]))


def _softmax_output(node: Node) -> tuple[float, int] | None:
    label = node.inputs[1].value
    if label is None:
        return None
    scale = float(node.attributes.get("grad_scale", 1))
    ignored = float(node.attributes.get("ignore_label", -1))
    counted = label != ignored if node.flag("use_ignore") else np.ones(label.shape, bool)
    elements = int(counted.sum())
    how = node.attributes.get("normalization", "null")
    divisor = {"batch": label.shape[0], "valid": max(elements, 1)}.get(how, 1)
    return scale * elements / divisor, elements


def _regression_output(node: Node) -> tuple[float, int] | None:
    shape = node.inputs[0].shape
    # Its gradient is divided by the number of outputs of an example, so each example counts 1.
    return (float(node.attributes.get("grad_scale", 1)) * shape[0], shape[0]) if shape else None


def _svm_output(node: Node) -> tuple[float, int] | None:
    shape = node.inputs[0].shape
    factor = float(node.attributes.get("regularization_coefficient", 1))
    return (factor * shape[0], shape[0]) if shape else None


# By operator: the weight of all its losses, and how many there are; None where they can't be told.
_COUNTED: dict[str, Callable[[Node], tuple[float, int] | None]] = {
    "SVMOutput": _svm_output,
    "SoftmaxOutput": _softmax_output,
    **dict.fromkeys(REGRESSION_OUTPUTS, _regression_output),
}


def counted(node: Node) -> tuple[float, int] | None:
    """The weight of all losses of an output operator together, and their number; None where they can't be told."""
    return _COUNTED[node.kind](node)


def _descend(graph: Graph, output: Output, gradient: np.ndarray, found: list[Losses]) -> None:
    """Follow the gradient down through sums, means and factors to the losses of examples."""
    node = output.node
    sizes = graph.batch_sizes
    if node.kind in _COUNTED:
        whole = counted(node)
        if whole:
            found.append(Losses(node, *whole, examples=sizes))
        return
    if node.is_leaf or not _depends_on_data(graph, node):
        return
    shape = output.shape
    if node.kind == "make_loss":
        gradient = np.full(shape, float(node.attributes.get("grad_scale", 1)))
        normalization = node.attributes.get("normalization")
        if normalization == "valid":
            values = node.inputs[0].value
            threshold = float(node.attributes.get("valid_thresh", 0))
            valid = 0 if values is None else int((values > threshold).sum())
            found.append(Losses(node, float(gradient.flat[0]), max(valid, 1), sizes))
            return
        gradient = gradient / rows_of(shape) if normalization == "batch" else gradient
    elements = int(np.prod(shape)) if shape else 1
    # A number for each example, or for each of its tokens: the nodes above make one loss.
    per_example = elements > 1 and (
        not sizes or any(shape[0] == size or elements % size == 0 for size in sizes)
    )
    if per_example and node.op != "MakeLoss":
        factor, known = _inside(graph, node, sizes | {elements})
        classes = _one_hot(node)
        weight = float(gradient.sum()) * factor / classes
        found.append(Losses(node, weight, elements // classes, sizes, known))
        return
    for source, passed in _inputs(node, gradient):
        _descend(graph, source, passed, found)


def _inside(graph: Graph, node: Node, sizes: set[int]) -> tuple[float, bool]:
    """The factors of 1/N that an example's loss has in it, and whether no other divisor is there."""
    factor, known = 1.0, True
    while node.inputs:
        first = node.inputs[0]
        if node.kind in FACTORS:
            part = abs(FACTORS[node.kind](node.scalar))
            if any(size > 2 and abs(part * size - 1) < 1e-6 for size in sizes) and not _is_mean(node):
                factor *= part
            elif part < 1 and part != 0.5:  # 1/2 is that of a squared difference
                known = False
        elif node.kind in DIVIDING:
            known = False
        elif node.kind in MULTIPLYING:
            weights = [each for each in node.inputs if not _depends_on_data(graph, each.node)]
            values = [each.value for each in weights]
            return factor, known and all(v is None or np.isin(v, (0, 1)).all() for v in values)
        elif node.kind not in SAME | NEGATING | SUMS | MEANS:
            break
        node = first.node
    return factor, known


def _is_mean(node: Node) -> bool:
    """Whether a division makes a mean of a sum within each example, by hand."""
    above = node.inputs[0].node
    before, after = above.inputs[0].shape if above.inputs else None, node.inputs[0].shape
    return bool(
        above.kind in SUMS
        and before
        and after is not None
        and abs(abs(FACTORS[node.kind](node.scalar)) * np.prod(before) / (np.prod(after) or 1) - 1) < 1e-6
    )


def _one_hot(node: Node) -> int:
    """The number of classes where the losses are multiplied by one-hot targets, of which one counts; else 1."""
    if node.kind in MULTIPLYING:
        for each in node.inputs:
            target = each.value
            if target is not None and target.ndim > 1 and target.shape == Output(node).shape:
                rows = target.reshape(-1, target.shape[-1])
                if np.isin(rows, (0, 1)).all() and (rows.sum(axis=1) == 1).all():
                    return target.shape[-1]
    return 1


def _inputs(node: Node, gradient: np.ndarray) -> Iterable[tuple[Output, np.ndarray]]:
    """The inputs through which a gradient goes on linearly, each with its gradient."""
    first = node.inputs[0] if node.inputs else None
    shape = first.shape if first else None
    if shape is None:
        return []
    if node.kind in MEANS or node.kind in SUMS:
        spread = np.broadcast_to(_unreduce(node, gradient, shape), shape)
        return [(first, spread * (gradient.size / spread.size if node.kind in MEANS else 1))]
    if node.kind in FACTORS:
        return [(first, gradient * FACTORS[node.kind](node.scalar))]
    if node.kind in NEGATING:
        return [(first, -gradient)]
    if node.kind in SAME and gradient.size == np.prod(shape or (1,)):
        return [(first, gradient.reshape(shape))]
    if node.kind in ADDING:
        return [(source, gradient) for source in node.inputs if source.shape == gradient.shape]
    if node.kind in SUBTRACTING:
        return [(s, g) for s, g in zip(node.inputs, (gradient, -gradient), strict=True) if s.shape == g.shape]
    return []


def _unreduce(node: Node, gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    axes = ast.literal_eval(node.attributes.get("axis") or "None")
    if axes is None or axes == ():
        return gradient.reshape((1,) * len(shape))
    axes = {axis % len(shape) for axis in (axes if isinstance(axes, (tuple, list)) else (axes,))}
    if node.flag("exclude"):
        axes = set(range(len(shape))) - axes
    return gradient.reshape([1 if axis in axes else size for axis, size in enumerate(shape)])


LINEAR = SAME | ADDING | SUBTRACTING | MULTIPLYING | set(FACTORS) | MEANS | SUMS | NEGATING


def terms(graph: Graph) -> set[Node]:
    """The nodes whose outputs add up to the losses that backward starts from, with factors but nothing else."""
    found: set[Node] = set()
    stack = [head.node for head in graph.heads if not graph.executor or head.node.kind == "make_loss"]
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack += [each.node for each in node.inputs] if node.kind in LINEAR else []
    return found


def _depends_on_data(graph: Graph, node: Node) -> bool:
    """Whether it is a loss: a number made of parameters and constants alone is a penalty."""
    data = {output.node for output in graph.data}
    seen, stack = set(), [node]
    while stack:
        current = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        if current in data or (not data and current.is_leaf and not current.parameter):
            return True
        stack += [each.node for each in current.inputs]
    return False
