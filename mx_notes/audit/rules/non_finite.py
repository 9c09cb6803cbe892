"""The rule non-finite."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..graph.values import is_dense, read
from ..trace.step import Note, Noted, RunFacts, Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule, first
from ._logits import judge

CURE = "lower the learning rate, or look at the data"


class NonFinite(Rule):
    """No gradient or parameter is NaN or infinite."""

    id, severity = "non-finite", ERROR
    sees = "sums of squares of all gradients every 8 steps, losses and parameters on sampled steps and at the end"
    wrong = "loss = -probabilities.pick(label).log()  # log(0)"
    right = "loss = -scores.log_softmax().pick(label)"

    def __init__(self) -> None:
        self.told = False

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look at what was noted, and at the losses and arrays of a sampled step."""
        if not (step.notes or step.looks or step.samples or step.weights):
            return NOTHING_TO_CHECK
        noted = [_gradient(note) for note in step.noted(Noted.GRADIENT_NOT_FINITE)]
        found = [*noted, *map(Message, _losses(step)), *map(Message, _arrays(step))]
        self.told = self.told or bool(found)
        if not found and not (step.samples or step.weights):
            return NOTHING_TO_CHECK
        return found[:1]

    def at_end(self, run: RunFacts) -> Findings | NothingToCheck:
        """Look at all trained parameters."""
        trained = [buffer for buffer in run.buffers if buffer.updates and buffer.array is not None]
        if not trained:
            return NOTHING_TO_CHECK
        if self.told:
            return []
        dense = [buffer for buffer in trained if is_dense(buffer.array)]
        wrong = (buffer.name for buffer in dense if not np.isfinite(read(buffer.array)).all())
        return first([f"{name} is not finite at the end: {CURE}" for name in wrong])


def _gradient(note: Note) -> Message:
    seen = f"; {note.subject} is not finite either" if note.subject else ""
    return Message(f"a gradient of step {note.numbers[0]:g} is not finite{seen}: {CURE}", place=note.place)


def _losses(step: Step) -> Iterable[str]:
    for look in step.looks:
        heads = [h for h in look.graph.heads if not look.graph.executor or h.node.kind == "make_loss"]
        values = [value for value in (head.value for head in heads) if value is not None]
        # The logarithm of a logit is the business of double-softmax.
        if not all(np.isfinite(value).all() for value in values) and not any(judge(look.graph)):
            yield f"the loss is not finite: {CURE} and at the loss"


def _arrays(step: Step) -> Iterable[str]:
    arrays = [("gradient", sample.name, sample.gradient) for sample in step.samples]
    arrays += [("value", copy.name, copy.values) for copy in step.weights]
    for part, name, array in arrays:
        if not np.isfinite(read(array)).all():
            yield f"the {part} of {name} is not finite: {CURE}"
            return
