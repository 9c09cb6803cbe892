"""The rule label-range."""

from __future__ import annotations

from ..trace.step import Step
from . import ERROR, NOTHING_TO_CHECK, Findings, NothingToCheck, Rule, first
from ._classes import classifications, number_of_classes


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
                if node.flag("use_ignore"):
                    values = values[values != float(node.attributes.get("ignore_label", -1))]
                wrong = values[(values < 0) | (values >= classes)]
                if wrong.size:
                    messages.append(
                        f"label {wrong.flat[0]:g} is outside the {classes} classes, 0 to {classes - 1}: MXNet clips or"
                        " ignores it in silence; fix the labels or the size of the last layer"
                    )
        return first(messages) if checked else NOTHING_TO_CHECK
