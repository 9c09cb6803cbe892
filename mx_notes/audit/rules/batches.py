"""Rules on what is fed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..trace import Step, fingerprint
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


@rule("repeated-batch", "the data moves from step to step", severity="warning")
def repeated_batch(step: Step, memory: dict) -> Iterable[str] | None:
    if step.number > 3:
        return None
    seen = [fingerprint(values) for values in _data(step)]
    if not seen:
        return None
    labels = [label.value for look in step.looks[:1] for _, label, _ in classifications(look.graph)]
    if labels and labels[0] is not None and labels[0].size >= 16:
        memory["one class"] = memory.get("one class", 0) + (np.unique(labels[0]).size == 1)
        if memory["one class"] == 2:
            return ["batch after batch is of a single class: the data is sorted, shuffle it"]
    before = memory.get("before")
    memory["before"] = seen
    memory["times"] = memory.get("times", 0) + 1 if before == seen else 0
    if memory["times"] == 2:
        return ["three steps in a row were fed the same batch: is the iterator advanced?"]
    return []


@rule("device-divergence", "the copies of a parameter on several devices are equal after the update")
def device_divergence(step: Step, memory: dict) -> Iterable[str] | None:
    copies: dict[str, list[np.ndarray]] = {}
    for sample in step.samples:
        copies.setdefault(sample.name, []).append(sample.weight_after.asnumpy())
    several = {name: values for name, values in copies.items() if len(values) > 1}
    if not several:
        return None
    for name, (first, *others) in several.items():
        # Equal gradients and equal arithmetic give equal bits; 1e-5 leaves room for another summation order.
        scale = max(float(np.abs(first).max(initial=0)), 1e-12)
        apart = max(float(np.abs(first - other).max(initial=0)) for other in others)
        if apart > 1e-5 * scale:
            return [
                f"{name} differs between its {len(others) + 1} devices after the update, by {apart / scale:.1e} of its"
                " size: gradients are not summed over the devices (kvstore), or the copies began differently"
            ]
    return []
