"""The rule unbroken-symmetry."""

from __future__ import annotations

import numpy as np

from ..graph.graph import Graph, Node, Output
from ..trace.step import Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule
from ._words import some


class UnbrokenSymmetry(Rule):
    """The units of a layer differ, so that each can learn something of its own."""

    id, severity, sampled_only = "unbroken-symmetry", ERROR, True
    sees = "the rows of weight matrices that have been updated, on sampled steps after the first two"
    wrong = "net.initialize(mx.init.Constant(0.05))"
    right = "net.initialize(mx.init.Xavier())"

    def __init__(self) -> None:
        self.said = False

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Compare the rows of each weight that is trained."""
        if step.number < 3 or self.said or not step.finite:
            return NOTHING_TO_CHECK
        updated = {sample.name for sample in step.samples} | {
            update.buffer.weight for update in step.updates if update.buffer is not None
        }
        found = [_judge(look.graph, updated) for look in step.looks[:1]]
        alike = [name for weights in found for name, same in weights.items() if same]
        self.said = bool(alike)
        if alike:
            text = f"all rows of {some(alike)} are the same after {step.number - 1} updates: its units began alike, get"
            return [
                Message(f"{text} the same gradient and stay one unit; start from random numbers (Xavier)")
            ]
        return [] if any(found) else NOTHING_TO_CHECK


def _judge(graph: Graph, updated: set) -> dict[str, bool]:
    """By name, whether all rows of the weight are the same."""
    rows = {}
    for node in graph.of_kind("FullyConnected", "Convolution"):
        weight = node.inputs[1].node
        shape = Output(weight).shape or ()
        trained = weight.parameter and (weight.handle in updated or weight.name in updated)
        if trained and len(shape) > 1 and shape[0] > 1:
            rows[weight.name] = _rows_alike(weight)
    return rows


def _rows_alike(weight: Node) -> bool:
    values = Output(weight).value
    if values is None or not values.any():
        return False
    table = values.reshape(len(values), -1)
    if (table[:2] != table[:1]).any() and np.ptp(table[:2], axis=0).max() > 1e-6 * np.abs(table).max():
        return False  # as nearly always, told by two rows
    return bool(np.ptp(table, axis=0).max() <= 1e-6 * np.abs(table).max())
