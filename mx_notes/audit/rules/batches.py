"""Rules on what is fed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..graph.graph import SHAPE_ONLY, Node, Output
from ..trace.step import Look, Step, WeightCopy
from . import rule
from .loss import classifications


def _data(step: Step) -> Iterable[list[np.ndarray]]:
    """What is fed, by the parameters that it meets: real and generated examples go to the same ones."""
    fed: dict[tuple, list[np.ndarray]] = {}
    for look in step.looks[:1]:
        for output in look.graph.data:
            if look.graph.feeds(output, "Embedding", "_npx_embedding"):
                continue  # words, not magnitudes
            values = output.value
            if values is not None and values.size >= 16 and values.dtype.kind in "fu":
                fed.setdefault(look.graph.beside(output) or (output.node,), []).append(values)
    return fed.values()


@rule("input-scale", "inputs have about mean 0 and variance 1", severity="warning", close=True)
def input_scale(step: Step, memory: dict) -> Iterable[str] | None:
    checked = False
    for alike in _data(step):
        # Masks, states and one-hot codes are as they are.
        measured = [v for v in alike if not ((v == np.round(v)).all() and len(np.unique(v)) <= 2)]
        checked = checked or bool(measured)
        messages = [_scale(values) for values in measured]
        if messages and all(messages):
            return messages[:1]
    return [] if checked else None


def _scale(values: np.ndarray) -> str | None:
    mean, deviation = float(values.mean()), float(values.std())
    if deviation == 0:
        return f"the input is constant ({mean:g}): there is nothing to learn from"
    if deviation > 20 or abs(mean) > 20 or abs(mean) > 10 * deviation or deviation < 0.01:
        return (
            f"the input has mean {mean:.3g} and standard deviation {deviation:.3g}: bring it to about 0 and 1"
            " (subtract the training data's mean, divide by its standard deviation)"
        )
    return None


@rule(
    "repeated-batch", "the data moves from step to step, and epochs differ in their order", severity="warning"
)
def repeated_batch(step: Step, memory: dict) -> Iterable[str] | None:
    if step.looks and _same_class_again(step, memory):
        return ["batch after batch is of a single class: the data is sorted, shuffle it"]
    if not step.batches:
        return None
    seen = memory.setdefault("seen", [])
    seen.append(tuple(step.batches))
    if len(seen) >= 3 and seen[-1] == seen[-2] == seen[-3] and not memory.get("stuck"):
        memory["stuck"] = True
        return ["three steps in a row were fed the same batch: is the iterator advanced?"]
    memory["state"] = memory.get("state") or (step.number > 1 and any(map(_carries_state, step.looks)))
    epoch = _epoch(seen)
    if epoch and not (memory.get("stuck") or memory.get("same order") or memory["state"]):
        memory["same order"] = True
        return [f"each epoch of {epoch} batches feeds them in the same order: shuffle the training data"]
    return []


def _same_class_again(step: Step, memory: dict) -> bool:
    """Whether the labels of two looks in a row are all of the same class.

    Networks that take turns, as in a GAN, are told true from false: there it means nothing.
    """
    trained = frozenset(update.updater for update in step.updates)
    memory["turns"] = memory.get("turns", False) or trained != memory.setdefault("trained", trained)
    labels = [label.value for look in step.looks for _, label, _ in classifications(look.graph)]
    classes = {value for values in labels if values is not None for value in np.unique(values)}
    only = classes.pop() if len(classes) == 1 and sum(v.size for v in labels if v is not None) >= 16 else None
    before, memory["only class"] = memory.get("only class"), only
    return only is not None and only == before and not memory["turns"]


def _carries_state(look: Look) -> bool:
    """Whether a recurrent layer begins with the state in which the last batch left it.

    Then the text, or the time series, goes on from batch to batch: its order must stay.
    """
    if any(
        _begins_with(node.inputs[2]) for node in look.graph.named("RNN", "_npx_rnn") if len(node.inputs) > 2
    ):
        return True
    layers: dict[Node, list[Output]] = {}  # cells are unrolled: the same weights for each time
    for node in look.graph.named("FullyConnected", "_npx_fully_connected"):
        layers.setdefault(node.inputs[1].node, []).append(node.inputs[0])
    return any(
        len(times) > 1
        and [source.node.op for source in times].count("null") == 1
        and any(map(_begins_with, times))
        for times in layers.values()
    )


def _begins_with(state: Output) -> bool:
    leaf = state.node
    while leaf.op in SHAPE_ONLY and leaf.inputs:
        leaf = leaf.inputs[0].node
    return (
        leaf.op == "null"
        and not leaf.parameter
        and Output(leaf).value is not None
        and Output(leaf).value.any()
    )


def _epoch(seen: list[tuple], again: int = 4) -> int:
    """After how many steps the first `again` batches came again in their order, just now; 0: they did not."""
    period = len(seen) - again
    return period if period >= again and seen[:again] == seen[period:] else 0


@rule(
    "device-divergence", "the copies of a parameter on several devices are equal after the update", close=True
)
def device_divergence(step: Step, memory: dict) -> Iterable[str] | None:
    several = list(_copies(step))
    for name, copies in several:
        first, *others = (copy.values.asnumpy() for copy in copies)
        # Equal gradients and equal arithmetic give equal bits; 1e-5 leaves room for another summation order.
        scale = max(float(np.abs(first).max(initial=0)), 1e-12)
        apart = max(float(np.abs(first - other).max(initial=0)) for other in others)
        if apart > 1e-5 * scale:
            return [
                f"{name} differs between its {len(others) + 1} devices after the update, by {apart / scale:.1e} of its"
                " size: gradients are not summed over the devices (kvstore), or the copies began differently"
            ]
    return [] if several else None


def _copies(step: Step) -> Iterable[tuple[str, tuple[WeightCopy, ...]]]:
    """Each parameter of several devices with its copies.

    An optimiser knows parameters by name. By hand they are told by their order: those updated after one
    device's backward pass are the copies of those after another's, if all shapes agree.
    """
    named: dict[str, list[WeightCopy]] = {}
    passes: dict[int, list[WeightCopy]] = {}
    for copy in step.weights:
        (passes.setdefault(copy.backward, []) if copy.backward else named.setdefault(copy.name, [])).append(
            copy
        )
    yield from ((name, tuple(copies)) for name, copies in named.items() if len(copies) > 1)
    alike: dict[tuple, list[list[WeightCopy]]] = {}
    for updated in passes.values():
        alike.setdefault(tuple(copy.values.shape for copy in updated), []).append(updated)
    for groups in alike.values():
        if len({copy.values.context for updated in groups for copy in updated}) == len(groups) > 1:
            yield from ((copies[0].name, copies) for copies in zip(*groups, strict=True))
