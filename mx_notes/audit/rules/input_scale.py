"""The rule input-scale."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..trace.step import Step
from . import NOTHING_TO_CHECK, WARNING, Findings, NothingToCheck, Rule, first

SMALLEST = 16  # values of an input that are enough to judge


class InputScale(Rule):
    """Inputs have about mean 0 and variance 1."""

    id, severity, sampled_only = "input-scale", WARNING, True
    sees = "the values of dense inputs that meet weights, on sampled steps"
    wrong = "images = mx.nd.array(pixels)  # 0 to 255"
    right = "images = (mx.nd.array(pixels) - mean) / deviation"

    def __init__(self) -> None:
        self._states: set[tuple[str, ...]] = set()  # the parameters that meet a state of the network's own

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Measure the inputs of the first network."""
        checked = False
        for met, alike in _fed(step):
            # A recurrent network's state begins as zeros, and is carried from batch to batch.
            if not any(values.any() for values in alike):
                self._states.add(met)
            if met in self._states:
                continue
            # Masks and one-hot codes are as they are.
            measured = [v for v in alike if not (np.isin(v, (-1, 0, 1)).all() and len(np.unique(v)) <= 2)]
            checked = checked or bool(measured)
            messages = [_judge(values) for values in measured]
            if messages and all(messages):
                return first(messages)
        return [] if checked else NOTHING_TO_CHECK


def _fed(step: Step) -> Iterable[tuple[tuple[str, ...], list[np.ndarray]]]:
    """Inputs with the parameters that they meet: real and generated examples go to the same ones."""
    fed: dict[tuple[str, ...], list[np.ndarray]] = {}
    for look in step.looks[:1]:
        for number, output in enumerate(look.graph.data):
            if look.graph.feeds(output, "Embedding"):
                continue  # words, not magnitudes
            values = output.value
            if values is not None and values.size >= SMALLEST and values.dtype.kind in "fu":
                met = tuple(node.name for node in look.graph.beside(output)) or (str(number),)
                fed.setdefault(met, []).append(values)
    return fed.items()


def _judge(values: np.ndarray) -> str | None:
    mean, deviation = float(values.mean()), float(values.std())
    if deviation == 0:
        return f"the input is constant ({mean:g}): there is nothing to learn from"
    if deviation > 20 or abs(mean) > 20 or abs(mean) > 10 * deviation or deviation < 0.01:
        return (
            f"the input has mean {mean:.3g} and standard deviation {deviation:.3g}: bring it to about 0 and 1"
            " (subtract the training data's mean, divide by its standard deviation)"
        )
    return None
