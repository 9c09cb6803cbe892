"""Whether all gradients are finite, asked every few steps without waiting for the answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...runtime import mx
from ..events import Place, users_place
from ..graph.values import is_dense, own, read
from .step import Noted
from .steps import OpenStep

EVERY = 8  # steps


@dataclass(frozen=True)
class Question:
    """Sums of squares that MXNet is computing."""

    step: int
    place: Place
    weights: list[tuple[str, mx.nd.NDArray]]  # names, arrays of the audit's own
    answer: mx.nd.NDArray


class FiniteGradients:
    """Asks for the sums of squares of an update's gradients, and reads them some steps later."""

    def __init__(self, now: OpenStep) -> None:
        self._now = now
        self._question: Question | None = None

    def settle_when_due(self) -> None:
        """Read the answer to a question of some steps ago: by now it costs no waiting."""
        if self._question and self._now.step.number >= self._question.step + EVERY - 1:
            self.settle()

    def ask(self, names: list[str], gradients: list, weights: list) -> None:
        """Ask, if it is time."""
        now = self._now
        if now.step.number % EVERY or self._question:
            return
        dense = [g for g in gradients if is_dense(g) and np.dtype(g.dtype) == np.float32]
        if not dense:
            return
        with mx.autograd.pause():
            classic = [gradient.as_nd_ndarray() for gradient in dense]  # of mx.np
            # multi_all_finite takes 40 times as long as the sums of squares, which overflow from 1e19 on.
            answer = mx.nd.multi_sum_sq(*classic, num_arrays=len(dense))
        kept = [(name, own(weight.handle.value)) for name, weight in zip(names, weights, strict=True)]
        self._question = Question(now.step.number, users_place(), kept, answer)

    def settle(self) -> None:
        """Read the answer."""
        question, self._question = self._question, None
        if question is None:
            return
        if np.isfinite(read(question.answer)).all():
            return
        wrong = [n for n, w in question.weights if is_dense(w) and not np.isfinite(read(w)).all()]
        subject = wrong[0] if wrong else ""
        self._now.note(Noted.GRADIENT_NOT_FINITE, subject, (question.step,), question.place)
