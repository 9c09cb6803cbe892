"""The rule label-range."""

from __future__ import annotations

import numpy as np

from ..graph.operators import PICKS
from ..trace.step import Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule, first
from ._classes import classifications, ignored, leaves_out, number_of_classes


class LabelRange(Rule):
    """Labels are whole numbers from 0 to below the number of classes."""

    id, severity, sampled_only = "label-range", ERROR, True
    sees = "the labels and scores of losses that pick a class, on sampled steps"
    wrong = "net = Dense(10)  # and labels from 1 to 10"
    right = "label = label - 1"

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look for labels outside the classes."""
        checked, messages = False, []
        for look in step.looks:
            for scores, label, node in classifications(look.graph):
                classes, values = number_of_classes(node, scores), label.value
                if values is None or not classes:
                    continue
                checked = True
                values = values[~ignored(node, values)]
                outside = values[~((values >= 0) & (values < classes))]
                broken = values[values != np.floor(values)]
                if outside.size and node.kind in PICKS and leaves_out(look.graph, node):
                    continue  # -1 for examples without a label, whose losses are multiplied by 0
                if outside.size:
                    text = (
                        f"label {outside.flat[0]:g} is outside the {classes} classes, 0 to {classes - 1}: MXNet clips"
                        " or ignores it in silence; fix the labels or the size of the last layer"
                    )
                elif broken.size:
                    text = (
                        f"label {broken.flat[0]:g} is no whole number: MXNet cuts it to {int(broken.flat[0])}"
                    )
                else:
                    continue
                messages.append(Message(text, place=node.place))
        return first(messages) if checked else NOTHING_TO_CHECK
