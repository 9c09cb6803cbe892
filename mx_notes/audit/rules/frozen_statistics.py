"""The rule frozen-statistics."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..graph.graph import Graph, Node, Output
from ..graph.operators import BATCH_NORM, LINEAR_LAYERS
from ..trace.step import Step
from . import NOTHING_TO_CHECK, WARNING, Findings, NothingToCheck, Rule, first
from ._words import some


class FrozenStatistics(Rule):
    """The running statistics of a layer that is frozen stay as they are."""

    id, severity, sampled_only = "frozen-statistics", WARNING, True
    sees = "batch norms behind layers that are not updated, and their running means on sampled steps"
    wrong = "optimizer.set_lr_mult({name: 0 for name in body})  # its batch norms go on averaging"
    right = "mx.sym.BatchNorm(..., use_global_stats=True)  # in the frozen body"

    def __init__(self) -> None:
        self.means: dict[str, np.ndarray] = {}  # as last seen

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Compare the running means behind frozen layers with those of the look before."""
        updated = _updated(step)
        checked, drifting = False, []
        for look in step.looks[:1]:
            for node in _behind_frozen_layers(look.graph, updated):
                mean, name = node.inputs[3].value, node.inputs[3].node.name
                if mean is None:
                    continue
                checked, before = True, self.means.get(name)
                self.means[name] = mean
                if before is not None and not np.array_equal(before, mean):
                    drifting.append(name)
        if drifting:
            return first(
                [
                    f"{some(drifting)} goes on moving, though its layer and all before it are frozen: what the frozen layers"
                    " compute in prediction changes; use_global_stats=True, or run them in prediction mode"
                ]
            )
        return [] if checked else NOTHING_TO_CHECK


def _updated(step: Step) -> set[int | str]:
    """The parameters that moved, by name and by the handle of their array."""
    still = {sample.name for sample in step.samples if not sample.learning_rate}
    moved = [update for update in step.updates if update.name not in still]
    return {update.name for update in moved} | {u.buffer.weight for u in moved if u.buffer is not None}


def _behind_frozen_layers(graph: Graph, updated: set[int | str]) -> Iterable[Node]:
    if not updated:
        return
    for node in graph.of_kind(*BATCH_NORM):
        if node.flag("use_global_stats") or len(node.inputs) < 4:
            continue
        above = graph.above(node)
        layers = [layer for layer in above if layer.kind in LINEAR_LAYERS]
        leaves = {leaf for leaf in above if leaf.is_leaf and Output(leaf).shape}
        if layers and not any(leaf.name in updated or leaf.handle in updated for leaf in leaves):
            yield node
