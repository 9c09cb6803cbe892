"""Rules on the loss: what is averaged, what it is given, where it starts."""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Iterable

import numpy as np

from ..graph.graph import Graph, Node, Output
from ..graph.losses import SUMS, Losses, losses
from ..trace.step import Look, Step
from . import rule, warning
from .logits import LOG_SOFTMAX, SOFTMAX, above, judge

TOLERANCE = 0.02  # on a factor that is off by at least 2 when it is wrong


@rule("mean-loss", "the applied gradient is that of the mean of the batch's losses", close=True)
def mean_loss(step: Step, memory: dict) -> Iterable[str] | None:
    applied = weights(step)
    if applied is None:
        return None
    rescale, looks, parts, adding = applied
    passes = max((update.passes for update in step.updates), default=1) if adding and _one_task(looks) else 1
    elements = sum(part[0].elements for part in parts)
    full = memory.setdefault("full", elements)
    if elements < full and _near(rescale * abs(sum(part[0].weight for part in parts)), elements / full):
        return []  # partial-batch says so
    scaled = {"device": len({look.device for look in looks}), "worker": step.workers}
    messages = [_judge(same, rescale, scaled, passes) for same in zip(*parts, strict=True)]
    return [message for message in messages if message][:1]


@rule("partial-batch", "a short last batch is weighted by its own number of examples")
def partial_batch(step: Step, memory: dict) -> Iterable[str] | None:
    if step.padding:
        return [
            warning(
                f"{step.padding} examples of the batch are repeated to fill it (NDArrayIter's default): they count twice"
                " in this epoch; last_batch_handle='discard' or 'roll_over' does not repeat any"
            )
        ]
    applied = weights(step)
    if applied is None:
        return None
    rescale, _, parts, _ = applied
    total = rescale * abs(sum(part[0].weight for part in parts))
    elements = sum(part[0].elements for part in parts)
    full = memory.setdefault("full", (total, elements))
    if elements < full[1] and _near(full[0], 1) and _near(total, elements / full[1]):
        return [
            f"a batch of {elements} is weighted as if it had {full[1]} examples: its gradient is divided by the full"
            " batch size; divide by its own, for example step(data.shape[0])"
        ]
    return [] if elements < full[1] else None


def weights(step: Step) -> tuple[float, list[Look], list[list[Losses]], bool] | None:
    """(rescale, looks, the losses of each, accumulating) of a step looked at closely; None if they can't be told.

    Of the other workers' gradients, which are added to this one's, the losses are taken to weigh as much as here:
    rescale has their number in it.
    """
    rescales = {update.rescale for update in step.updates}
    rates = {update.rate for update in step.updates}
    if not step.looks or len(rescales) != 1 or (None in rescales and (len(rates) != 1 or None in rates)):
        return None
    adding = any(update.buffer is not None and update.buffer.request == "add" for update in step.updates)
    # With grad_req='write' the last backward pass of each device is the one that is applied.
    looks = step.looks if adding else list({look.device: look for look in step.looks}.values())
    parts = [losses(look.graph) for look in looks]
    if not all(parts) or len({len(part) for part in parts}) != 1:
        return None
    rescale, rate = rescales.pop(), rates.pop()
    if rescale is None:
        total, elements = (abs(sum(getattr(part[0], of) for part in parts)) for of in ("weight", "elements"))
        # A factor of 0.001 may be 0.064 divided by a batch of 64; one of 0.1 is a learning rate.
        if not (_near(total, elements) and rate * elements > 1):
            return None
        rescale = 1.0
    return rescale * step.workers, looks, parts, adding


def _one_task(looks: list[Look]) -> bool:
    """Whether all passes are alike, as those of micro-batches are and those of tasks are not."""
    first, *others = ((_steps_of(look.graph), _constants(look.graph)) for look in looks)
    return all(other == first for other in others)


def _steps_of(graph: Graph) -> list[tuple]:
    """What is computed, with which parameters."""
    return [
        (node.op, node.attributes.get("scalar"), (node.handle or node.name) if node.parameter else None)
        for node in graph.nodes
    ]


def _constants(graph: Graph) -> list[float]:
    """What is everywhere the same in what is neither data nor parameter: a GAN's labels for true and false."""
    data = {output.node for output in graph.data}
    values = [Output(n).value for n in graph.nodes if not (n.inputs or n.parameter or n in data)]
    return [float(v.flat[0]) for v in values if v is not None and v.size and np.ptp(v) == 0]


def _judge(parts: tuple[Losses, ...], rescale: float, scaled: dict[str, int], passes: int) -> str | None:
    """Hold the weight of all examples' losses together against 1. scaled: the numbers of devices and workers."""
    total = rescale * abs(sum(part.weight for part in parts))  # -mean(log p): negated below the mean
    elements = sum(part.elements for part in parts)
    sizes = {size * len(parts) for part in parts for size in part.examples if size > 1} | {elements}
    if any(_near(total, right) for size in sizes for right in (1.0, elements / size)):
        return None
    workers = scaled["worker"]
    fix = (
        f"(the losses' weights add up to {total:.4g} instead of 1, with rescale_grad {rescale / workers:.4g})"
    )
    for size in sizes:
        if any(_near(total, wrong) for wrong in (size, elements, size * workers, elements * workers)):
            return f"the gradient is that of the sum of {size} losses, not of their mean {fix}"
        if any(_near(total, wrong) for wrong in (1 / size, 1 / elements, elements / size**2)):
            return (
                f"the gradient is divided by the batch size twice {fix}: either average the loss, or let the"
                " optimiser divide (step(batch_size), rescale_grad), not both"
            )
    for what, number in scaled.items():
        if number > 1 and (_near(total, number) or _near(total, 1 / number)):
            return f"the gradient is scaled by the number of {what}s, {number} {fix}"
    if passes > 1 and _near(total, passes):
        return (
            f"the gradient is the sum of {passes} micro-batches' means, not the mean over all of them {fix}"
        )
    return None


def _near(value: float, expected: float) -> bool:
    return expected != 0 and abs(value / expected - 1) < TOLERANCE


@rule("label-range", "labels are whole numbers from 0 to below the number of classes", close=True)
def label_range(step: Step, memory: dict) -> Iterable[str] | None:
    checked, messages = False, []
    for look in step.looks:
        for scores, label, node in classifications(look.graph):
            classes = _classes(node, scores)
            values = label.value
            if values is None or not classes:
                continue
            checked = True
            if node.attributes.get("use_ignore") in ("True", "1"):
                values = values[values != float(node.attributes.get("ignore_label", -1))]
            wrong = values[(values < 0) | (values >= classes)]
            if wrong.size:
                messages.append(
                    f"label {wrong.flat[0]:g} is outside the {classes} classes, 0 to {classes - 1}: MXNet clips or"
                    " ignores it in silence; fix the labels or the size of the last layer"
                )
    return messages[:1] if checked else None


def classifications(graph: Graph) -> Iterable[tuple[Output, Output, Node]]:
    """(scores, label, operator) wherever a label picks a class."""
    for node in graph.nodes:
        if (
            node.op in ("SoftmaxOutput", "Softmax", "softmax_cross_entropy", "SVMOutput")
            and len(node.inputs) > 1
        ) or (node.op in ("pick", "_npx_pick") and above(node.inputs[0], LOG_SOFTMAX | SOFTMAX)):
            yield node.inputs[0], node.inputs[1], node


def _classes(node: Node, scores: Output) -> int | None:
    shape = scores.shape
    if not shape:
        return None
    if node.op in ("pick", "_npx_pick"):
        axis = node.attributes.get("axis", "-1")
        return shape[int(axis)] if axis not in ("None", "") else None
    return shape[1] if len(shape) > 1 else None


@rule(
    "double-softmax", "the loss takes logits where it expects logits, probabilities where those", close=True
)
def double_softmax(step: Step, memory: dict) -> Iterable[str] | None:
    # What a loss is given stays what it is, and telling costs a forward pass: two looks at a network are enough.
    known, judged = memory.setdefault("known", Counter()), []
    for look in step.looks:
        network = hash(tuple(node.op for node in look.graph.nodes))
        known[network] += 1
        judged += judge(look.graph) if known[network] <= 2 else ()
    return [message for message in judged if message][:1] if judged else None


@rule("loss-axis", "softmax runs over the classes, the mean over the batch", close=True)
def loss_axis(step: Step, memory: dict) -> Iterable[str] | None:
    checked, messages = False, []
    for look in step.looks:
        for node in look.graph.nodes:
            softmax = _softmax_axis(node)
            if softmax is not None:
                shape, users = node.inputs[0].shape, look.graph.users[node]
                users = [
                    *users,
                    *(after for user in users if user.op == "log" for after in look.graph.users[user]),
                ]
                picks = [user for user in users if user.op in ("pick", "_npx_pick")]
                if not shape or not picks:
                    continue
                checked = True
                axis = softmax % len(shape)
                picked = int(picks[0].attributes.get("axis", "-1") or -1) % len(shape)
                if axis != picked:
                    messages.append(f"softmax runs over axis {axis}, but the label picks from axis {picked}")
                elif axis == 0 and len(shape) > 1:
                    messages.append("softmax runs over axis 0, the batch, not over the classes")
                elif axis == 3 and shape[1] == shape[3]:
                    messages.append(
                        warning(
                            f"softmax runs over the last axis of scores {shape}; if they are (N, classes, rows, columns),"
                            " the classes are axis 1: SoftmaxCrossEntropyLoss(axis=1)"
                        )
                    )
    return messages[:1] if checked else None


def _softmax_axis(node: Node) -> int | None:
    """The axis of a softmax, the operator or exp(x) / sum(exp(x)) by hand; None for anything else."""
    if node.op in LOG_SOFTMAX | SOFTMAX:
        return int(node.attributes.get("axis", "-1"))
    if node.op not in DIVIDING:
        return None
    above, below = (each.node for each in node.inputs)
    if above.op != "exp" or below.op not in SUMS or below.inputs[0].node is not above:
        return None
    axes = ast.literal_eval(below.attributes.get("axis") or "None")
    axes = axes if isinstance(axes, (tuple, list)) else (axes,)
    return axes[0] if len(axes) == 1 else None


DIVIDING = {"broadcast_div", "elemwise_div", "_div"}


@rule("initial-loss", "the first loss is near ln(classes)", severity="warning", close=True)
def initial_loss(step: Step, memory: dict) -> Iterable[str] | None:
    if memory.get("done") or not step.looks or step.number > 1:
        return None
    memory["done"] = True
    for scores, label, node in classifications(step.looks[0].graph):
        classes, values, labels = _classes(node, scores), scores.value, label.value
        if not classes or values is None or labels is None or values.ndim != 2 or labels.ndim != 1:
            continue
        if node.op not in ("pick", "_npx_pick"):
            values = values - values.max(axis=1, keepdims=True)
            values = values - np.log(np.exp(values).sum(axis=1, keepdims=True))
        elif not above(scores, LOG_SOFTMAX):
            continue
        chosen = np.clip(labels.astype(int), 0, classes - 1)
        loss, expected = -float(values[np.arange(len(chosen)), chosen].mean()), math.log(classes)
        if loss > 2 * expected + 1:
            return [
                f"the first loss is {loss:.3g}, ln({classes}) = {expected:.3g} is that of an undecided network: the"
                " start is too large, or the labels don't fit"
            ]
        return []
    return None
