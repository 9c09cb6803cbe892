"""Rules on what is fed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..trace import Step, WeightCopy
from . import rule
from .loss import classifications


def _data(step: Step) -> Iterable[np.ndarray]:
    for look in step.looks[:1]:
        for output in look.graph.data:
            if look.graph.feeds(output, "Embedding", "_npx_embedding"):
                continue  # words, not magnitudes
            values = output.value
            if values is not None and values.size >= 16 and values.dtype.kind in "fu":
                yield values


@rule("input-scale", "inputs have about mean 0 and variance 1", severity="warning")
def input_scale(step: Step, memory: dict) -> Iterable[str] | None:
    checked = False
    for values in _data(step):
        if (values == np.round(values)).all() and len(np.unique(values)) <= 2:
            continue  # masks, states and one-hot codes
        checked = True
        mean, deviation = float(values.mean()), float(values.std())
        if deviation == 0:
            return [f"the input is constant ({mean:g}): there is nothing to learn from"]
        if deviation > 20 or abs(mean) > 20 or abs(mean) > 10 * deviation or deviation < 0.01:
            return [
                f"the input has mean {mean:.3g} and standard deviation {deviation:.3g}: bring it to about 0 and 1"
                " (subtract the training data's mean, divide by its standard deviation)"
            ]
    return [] if checked else None


@rule(
    "repeated-batch", "the data moves from step to step, and epochs differ in their order", severity="warning"
)
def repeated_batch(step: Step, memory: dict) -> Iterable[str] | None:
    if _one_class(step):
        memory["one class"] = memory.get("one class", 0) + 1
        if memory["one class"] == 2:
            return ["batch after batch is of a single class: the data is sorted, shuffle it"]
    if not step.batches:
        return None
    seen = memory.setdefault("seen", [])
    seen.append(tuple(step.batches))
    if len(seen) >= 3 and seen[-1] == seen[-2] == seen[-3] and not memory.get("stuck"):
        memory["stuck"] = True
        return ["three steps in a row were fed the same batch: is the iterator advanced?"]
    epoch = _epoch(seen)
    if epoch and not memory.get("stuck") and not memory.get("same order"):
        memory["same order"] = True
        return [f"each epoch of {epoch} batches feeds them in the same order: shuffle the training data"]
    return []


def _one_class(step: Step) -> bool:
    labels = [label.value for look in step.looks[:1] for _, label, _ in classifications(look.graph)]
    return bool(labels and labels[0] is not None and labels[0].size >= 16 and np.unique(labels[0]).size == 1)


def _epoch(seen: list[tuple], again: int = 4) -> int:
    """After how many steps the first `again` batches came again in their order, just now; 0: they did not."""
    period = len(seen) - again
    return period if period >= again and seen[:again] == seen[period:] else 0


@rule("device-divergence", "the copies of a parameter on several devices are equal after the update")
def device_divergence(step: Step, memory: dict) -> Iterable[str] | None:
    copies: dict[tuple, list[WeightCopy]] = {}
    for copy in step.weights:
        copies.setdefault((copy.name, copy.values.shape), []).append(copy)
    several = [
        [copy.values.asnumpy() for copy in same]
        for same in copies.values()
        # By hand, what one backward pass serves are two layers on two devices, not copies of one.
        if len({copy.backward or index for index, copy in enumerate(same)}) > 1
    ]
    if not several:
        return None
    names = [name for (name, _), same in copies.items() if len(same) > 1]
    for name, (first, *others) in zip(names, several, strict=True):
        # Equal gradients and equal arithmetic give equal bits; 1e-5 leaves room for another summation order.
        scale = max(float(np.abs(first).max(initial=0)), 1e-12)
        apart = max(float(np.abs(first - other).max(initial=0)) for other in others)
        if apart > 1e-5 * scale:
            return [
                f"{name} differs between its {len(others) + 1} devices after the update, by {apart / scale:.1e} of its"
                " size: gradients are not summed over the devices (kvstore), or the copies began differently"
            ]
    return []
