"""The rule clipped-sum."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..events import NOWHERE, Place
from ..graph.values import read
from ..trace.step import Noted, RunFacts, Step
from . import NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule

FEWEST = 3  # steps, to tell by
NEARLY_ALL = 0.9  # of them
USUAL = 10.0  # limits up to here are meant for a mean: multiplied by a batch size, they are larger
STRICT = 0.1  # and limits on the mean below that are hardly meant
FAR = 8.0  # times the limit: clipping at the right place seldom takes so much away
ELEMENTS = 0.05  # of a gradient that are at the limit
APART = (
    "the gradients of each device are clipped by themselves, and summed afterwards: sum them first (with Gluon"
    " trainer.allreduce_grads(), then clip, then trainer.update(batch_size))"
)
LATE = "gradients are clipped after the update has read them, which changes nothing: clip before trainer.step"


@dataclass(frozen=True)
class Clip:
    """The clipping of one step. norm: before it, where it is known."""

    limit: float
    rescale: float
    place: Place
    step: int
    acts: bool  # something was clipped
    norm: float | None = None

    @property
    def early(self) -> bool:
        """Whether it acts on a sum, and seems to be meant for the mean that is applied."""
        meant = self.limit <= USUAL or self.limit * self.rescale < STRICT
        norm = math.inf if self.norm is None else self.norm
        return self.acts and meant and (norm * self.rescale <= self.limit or norm >= FAR * self.limit)


class ClippedSum(Rule):
    """Gradients are clipped once summed over devices and divided by the batch size, before the update."""

    id, severity = "clipped-sum", WARNING
    sees = "norms given to clip_global_norm on every step, gradients clipped by hand on sampled steps"
    wrong = "gluon.utils.clip_global_norm(grads, 1.0)\ntrainer.step(batch_size)"
    right = "gluon.utils.clip_global_norm(grads, 1.0 * batch_size)\ntrainer.step(batch_size)"

    def __init__(self) -> None:
        self.norms: list[Clip] = []
        self.scaled: list[Clip] = []  # by hand, to this norm
        self.elements: list[Clip] = []
        self.apart: list[tuple[float, ...]] = []  # the numbers by which devices' gradients were scaled
        self.place = NOWHERE

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Remember what was clipped; on several devices, say so at once."""
        summed = step.noted(Noted.CLIPPED_BEFORE_SUM)
        if summed:
            return [Message(APART, place=summed[0].place)]
        late = step.noted(Noted.CLIPPED_AFTER_UPDATE)
        if late:
            return [Message(LATE, place=late[0].place)]
        scales = _scales(step)
        if scales and len(set(scales.values())) > 1:
            self.apart.append(tuple(sorted(scales.values())))
            self.place = next(note.place for note in step.notes if note.what is Noted.GRADIENT_SCALED)
        rescales = {update.rescale for update in step.updates}
        rescale = rescales.pop() if len(rescales) == 1 else None
        if rescale is None or not 0 < rescale < 1:
            return NOTHING_TO_CHECK
        return [] if self._remember(step, rescale) else NOTHING_TO_CHECK

    def _remember(self, step: Step, rescale: float) -> bool:
        by_norm = step.noted(Noted.NORM_CLIPPED)
        by_element, scaled = step.noted(Noted.ELEMENTS_CLIPPED), step.noted(Noted.GRADIENT_SCALED)
        if by_norm:
            limit, norm = by_norm[0].numbers
            self.norms.append(Clip(limit, rescale, by_norm[0].place, step.number, norm > limit, norm))
        elif by_element:
            limit = by_element[0].numbers[0]
            share = _share_at(limit, step)
            self.elements.append(Clip(limit, rescale, by_element[0].place, step.number, share >= ELEMENTS))
        elif scaled and step.samples and all(sample.every == 1 for sample in step.samples):
            norm = math.sqrt(sum(float(np.square(_gradient(each)).sum()) for each in step.samples))
            self.scaled.append(Clip(norm, rescale, scaled[0].place, step.number, acts=True))
        return bool(by_norm or by_element or scaled)

    def at_end(self, run: RunFacts) -> Findings | NothingToCheck:
        """Judge all steps together."""
        # Shares of an uneven split are the same in every step; norms are not.
        if len(self.apart) >= FEWEST and len(set(self.apart)) == len(self.apart):
            return [Message(APART, place=self.place, step=1)]
        largest = max((clip.limit for clip in self.scaled), default=0.0)
        # Clipped to the same norm in step after step, whatever its computation looks like.
        same = [clip for clip in self.scaled if abs(clip.limit - largest) <= 1e-3 * largest]
        scaled = self.scaled if len(same) >= NEARLY_ALL * len(self.scaled) else []
        for clips, what in (
            (self.norms, "the norm of the gradients"),
            (scaled, "the norm of the gradients"),
            (self.elements, "many an element of the gradients"),
        ):
            early = [clip for clip in clips if clip.early]
            if len(early) >= max(FEWEST, NEARLY_ALL * len(clips)):
                return [_message(early, len(clips), what)]
        return NOTHING_TO_CHECK


def _message(early: list[Clip], steps: int, what: str) -> Message:
    first, batch = early[0], 1 / early[0].rescale
    norms = [clip.norm for clip in early if clip.norm is not None]
    unclipped = f" of a norm of {np.median(norms) / batch:.3g}" if norms else ""
    text = (
        f"{what} is clipped to {first.limit:.4g} in {len(early)} of {steps} steps while it is a sum over {batch:.4g}"
        f" examples, and divided by {batch:.4g} in the update: {first.limit / batch:.3g} is left{unclipped}; clip to the"
        " limit times the batch size, or divide first"
    )
    return Message(text, place=first.place, step=first.step)


def _scales(step: Step) -> dict[str, float]:
    """By which numbers the gradients of one parameter were multiplied in place, by device."""
    scales: dict[str, dict[str, float]] = {}
    for note in step.notes:
        if note.what is Noted.GRADIENT_SCALED and note.numbers:
            of_devices = scales.setdefault(note.subject, {})
            of_devices[note.detail] = of_devices.get(note.detail, 1.0) * note.numbers[0]
    return next((devices for devices in scales.values() if len(devices) > 1), {})


def _share_at(limit: float, step: Step) -> float:
    values = [np.abs(_gradient(each)) for each in step.samples]
    sizes = sum(value.size for value in values)
    return sum(int((value >= limit * (1 - 1e-6)).sum()) for value in values) / sizes if sizes else 0.0


def _gradient(sample) -> np.ndarray:
    return read(sample.gradient).astype(np.float64)
