"""The rule frozen-statistics."""

from __future__ import annotations

from collections import deque

from ..graph.graph import Graph, Node
from ..graph.operators import BATCH_NORM, LINEAR_LAYERS
from ..trace.step import Step
from . import NOTHING_TO_CHECK, WARNING, Findings, NothingToCheck, Rule, first
from ._words import some

RECENT = 8  # sampled steps on which no layer of the network has been updated


class FrozenStatistics(Rule):
    """The running statistics of a layer that is frozen stay as they are."""

    id, severity, sampled_only = "frozen-statistics", WARNING, True
    sees = "batch norms in training mode behind layers that are not updated"
    wrong = "optimizer.set_lr_mult({name: 0 for name in body})  # its batch norms go on averaging"
    right = "mx.sym.BatchNorm(..., use_global_stats=True)  # in the frozen body"

    def __init__(self) -> None:
        self.updated: deque[set[int | str]] = deque(maxlen=RECENT)  # of each sampled step
        self.drifting: set[str] = set()  # on the last sampled step

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look for batch norms in training mode of which nothing is trained, nor of what leads to them.

        Twice in a row: the networks of a GAN take turns, and each is at rest on the other's steps.
        """
        self.updated.append(_updated(step))
        updated, checked, drifting = set().union(*self.updated), False, []
        for look in step.looks:
            for node in look.graph.of_kind(*BATCH_NORM):
                if len(node.inputs) > 3 and look.training:
                    checked = True
                    if _is_frozen(look.graph, node, updated) and not node.flag("use_global_stats"):
                        drifting.append(node.inputs[3].node.name)
        before, self.drifting = self.drifting, set(drifting)
        drifting = [name for name in drifting if name in before]
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


def _is_frozen(graph: Graph, norm: Node, updated: set[int | str]) -> bool:
    """Whether no layer up to this batch norm is updated, though gradient goes through it.

    Without gradient MXNet 1.9.1 leaves its backward out, which is what writes the statistics on the CPU.
    """
    above = graph.above(norm)
    averages = {each.node for other in graph.of_kind(*BATCH_NORM) for each in other.inputs[3:]}
    leaves = [leaf for leaf in above if leaf.is_leaf and leaf not in averages]
    return (
        bool(updated)
        and any(layer.kind in LINEAR_LAYERS for layer in above)
        and any(leaf.parameter for leaf in leaves)
        and not any(leaf.name in updated or leaf.handle in updated for leaf in leaves)
    )
