"""The rule batch-norm."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..graph.graph import Node, fixed_gammas
from ..graph.operators import BATCH_NORM
from ..trace.step import Step
from . import NOTHING_TO_CHECK, WARNING, Findings, NothingToCheck, Rule, first
from ._words import title


class BatchNorm(Rule):
    """Batch normalisation's settings don't undo it."""

    id, severity, sampled_only = "batch-norm", WARNING, True
    sees = "the settings and input shapes of batch norms, and the weight decay of their gammas"
    wrong = "BatchNorm(use_global_stats=True)  # trained from scratch"
    right = "BatchNorm()"
    note = "Batch normalisation gives each channel mean 0 and variance 1 over the batch, then scales and shifts it."

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look at each batch norm."""
        checked, messages = False, []
        for look in step.looks:
            for node in look.graph.of_kind(*BATCH_NORM):
                checked = True
                messages += _settings(node)
            fixed = fixed_gammas(look.graph)
            decayed = [sample.name for sample in step.samples if sample.weight_decay and sample.name in fixed]
            if decayed:
                messages.append(
                    f"{decayed[0]} is held at 1 by fix_gamma=True and decayed all the same: set fix_gamma=False, or its"
                    " wd_mult to 0"
                )
        return first(messages, 2) if checked else NOTHING_TO_CHECK


def _untouched(node: Node) -> bool:
    """Whether its running statistics are those it began with: of a pretrained network they aren't."""
    mean, variance = (each.value for each in node.inputs[3:5]) if len(node.inputs) > 4 else (None, None)
    return mean is not None and variance is not None and not mean.any() and bool((variance == 1).all())


def _settings(node: Node) -> Iterable[str]:
    # fix_gamma=True is the symbol's default, and harmless in front of another layer's weights: worth a word
    # is a gamma that somebody meant to train or to decay.
    if node.flag("use_global_stats") and _untouched(node):
        yield f"{title(node)} has use_global_stats=True: it normalises by the running statistics, not the batch's"
    shape = node.inputs[0].shape
    if shape and np.prod(shape) == shape[int(node.attributes.get("axis", 1))]:
        yield f"{title(node)} sees one value per channel (a batch of one example): it puts out its beta alone"
