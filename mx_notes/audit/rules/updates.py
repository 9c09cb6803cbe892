"""Rules on the update: what the optimiser promises, and what it remembers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import numpy as np

from ...runtime import mx
from ..confirm import sgd
from ..graph.graph import fixed_gammas, shallow_copy
from ..trace.step import Step
from . import at_end, rule, warning
from .logits import judge

TOLERANCE = 1e-4  # relative to the largest change; float32 arithmetic gives 1e-6


@rule("momentum", "the update is v = mu v - lr (g + wd w), w = w + v, as SGD promises", close=True)
def momentum(step: Step, memory: dict) -> Iterable[str] | None:
    # A fixed gamma is set back to 1 by the next forward pass, whatever the update made of it.
    fixed = {gamma for look in step.looks for gamma in fixed_gammas(look.graph)}
    samples = [s for s in step.samples if _is_sgd(s.optimizer) and s.name not in fixed]
    if not samples:
        return None
    moved = memory.setdefault("moved", {})
    anew = {update.name for update in step.updates if update.fresh_state}  # optimizer-reset says so
    for sample in samples:
        expected = sgd.expected_weight(sample)
        before, after = sgd.elements(sample.weight_before), sgd.elements(sample.weight_after)
        key = (sample.name, str(sample.weight_before.context))
        number, earlier, later = moved.get(key, (0, None, None))
        moved[key] = (step.number, before, after)
        if not np.isfinite(after).all() or not np.isfinite(expected).all():
            continue
        followed = number == step.number - 1 and before.dtype == np.float32 and sample.name not in anew
        if followed and (later == before).all():
            # What the weight moved by is v, wherever the optimiser keeps it.
            expected = sgd.expected_weight(sample, velocity=before.astype(np.float64) - earlier)
        change = np.abs(expected - before).max(initial=0)
        rounding = (1e-3 if after.dtype == np.float16 else 1e-6) * max(np.abs(before).max(initial=0), change)
        if np.abs(after - expected).max(initial=0) > TOLERANCE * change + rounding:
            return [
                f"the update of {sample.name} is not v = {sample.momentum:g} v - lr (g + wd w), w = w + v:"
                f" it is off by {np.abs(after - expected).max():.3g} where the weight had to move by {change:.3g}"
            ]
    return []


def _is_sgd(optimizer) -> bool:
    return isinstance(optimizer, mx.optimizer.SGD) and type(optimizer).__name__ not in (
        "NAG",
        "LBSGD",
        "DCASGD",
    )


@rule("optimizer-reset", "momentum and update counts last from epoch to epoch")
def optimizer_reset(step: Step, memory: dict) -> Iterable[str] | None:
    anew = step.seen("optimizer-reset")
    if anew:
        return anew
    updaters = {update.updater for update in step.updates}
    if updaters <= memory.setdefault("updaters", set()) and not any(u.fresh_state for u in step.updates):
        return memory["held"]
    memory["updaters"] |= updaters
    known = memory.setdefault("known", {})  # buffer: (updater, optimiser class, had it a state)
    together = memory.setdefault("together", {})  # updater: the parameters that it updates
    for update in step.updates:
        together.setdefault(update.updater, set()).add(update.name)
    lost, checked = [], False
    for update in step.updates:
        if update.buffer is None or update.optimizer is None:
            continue
        before = known.get(update.buffer)
        kind = update.optimizer
        if before is not None and update.remembers:
            checked = True
            # Another set of parameters is another phase, such as fine-tuning after thawing layers.
            same = together.get(before[0]) == together.get(update.updater)
            if before[1] is kind and before[2] and update.fresh_state and same:
                lost.append(update.name)
        known[update.buffer] = (update.updater, kind, update.remembers)
    memory["held"] = [] if any(update.remembers for update in step.updates) else None
    if not lost:
        return [] if checked else None
    return [
        f"the optimiser's state of {lost[0]}{f' and {len(lost) - 1} more' if lost[1:] else ''} was thrown away: make"
        " the Trainer (or call init_optimizer) once, before the loop over epochs"
    ]


@rule("learning-rate", "the learning rate that the program asks for reaches the update")
def learning_rate(step: Step, memory: dict) -> Iterable[str] | None:
    if not step.rates:
        return None
    rate, steps = max(used for _, used in step.rates.values()), memory.get("steps", 0)
    if steps and rate != memory["rate"]:
        memory["last change"] = steps
    memory.update(steps=steps + 1, rate=rate, highest=max(rate, memory.get("highest", rate)))
    return (
        step.seen("learning-rate")
        or [
            f"the learning rate {asked:.4g} was asked for, {used:.4g} is applied: a scheduler overrules optimizer.lr, and"
            " init_optimizer (also inside a second fit) does nothing without force_init=True"
            for asked, used in step.rates.values()
            if abs(asked - used) > 1e-6 * abs(used)
        ][:1]
    )


@at_end("learning-rate")
def schedule_asked_by_epoch(memory: dict) -> Iterable[str] | None:
    steps, schedules = memory.get("steps", 0), memory["schedules"]
    if not schedules:
        return None
    return [
        warning(
            f"a schedule over {horizon} updates was asked with numbers up to {largest}, after {steps} updates: it counts"
            " updates, is it told epochs?"
        )
        for horizon, largest in schedules
        if steps >= horizon / 2 and largest < horizon / 4 and largest < steps / 4
    ][:1]


@at_end("learning-rate")
def schedule_in_epochs(memory: dict) -> Iterable[str] | None:
    steps, last = memory.get("steps", 0), memory.get("last change", 0)
    if steps < 40:
        return None
    if not 0 < last <= 0.15 * steps or memory["rate"] > 0.2 * memory["highest"]:
        return []
    return [
        warning(
            f"the learning rate fell from {memory['highest']:.3g} to {memory['rate']:.3g} in the first {last} of {steps} steps"
            " and stayed there: schedulers count updates, were the milestones meant as epochs?",
            step=last,
        )
    ]


@rule("non-finite", "no gradient or parameter is NaN or infinite")
def non_finite(step: Step, memory: dict) -> Iterable[str] | None:
    told = [*step.seen("non-finite"), *_losses(step)]
    if told or not (step.samples or step.weights):
        memory["told"] = memory.get("told") or bool(told)
        return told[:1] or None
    arrays = [("gradient", sample.name, sample.gradient) for sample in step.samples]
    arrays += [("value", copy.name, copy.values) for copy in step.weights]
    for what, name, array in arrays:
        if not np.isfinite(array.asnumpy()).all():
            memory["told"] = True
            return [f"the {what} of {name} is not finite: lower the learning rate, or look at the data"]
    return []


def _losses(step: Step) -> Iterable[str]:
    for look in step.looks:
        heads = [
            h for h in look.graph.heads if not look.graph.executor or h.node.op in ("MakeLoss", "make_loss")
        ]
        values = [value for value in (head.value for head in heads) if value is not None]
        # The logarithm of a logit is the business of double-softmax.
        if not all(np.isfinite(value).all() for value in values) and not any(judge(look.graph)):
            yield "the loss is not finite: lower the learning rate, or look at the data and at the loss"


@at_end("non-finite")
def finite_to_the_end(memory: dict) -> Iterable[str] | None:
    trained = [buffer for buffer in memory["buffers"] if buffer.updates]
    arrays = [(buffer.name, shallow_copy(buffer.weight)) for buffer in trained]
    wrong = [name for name, a in arrays if a.stype == "default" and not np.isfinite(a.asnumpy()).all()]
    if not trained or not wrong or memory.get("told"):
        return [] if trained else None
    return [f"{wrong[0]} is not finite at the end: lower the learning rate, or look at the data"]


def _norm(array) -> float:
    return math.sqrt(float(np.square(array.asnumpy().astype(np.float64)).sum()))


def _ratios(step: Step) -> tuple[float, float] | None:
    """Gradient norm over weight norm of the first and the last weight matrices, if there are at least four."""
    weights = [s for s in step.samples if len(s.weight_before.shape) >= 2 and _norm(s.weight_before) > 0]
    if len(weights) < 4:
        return None
    if weights[0].optimizer.param_dict:  # a Trainer sorts names as text: dense10 before dense2
        weights.sort(key=lambda sample: [int(part) for part in re.findall(r"\d+", sample.name)])
    return tuple(_norm(s.gradient) / _norm(s.weight_before) for s in (weights[0], weights[-1]))


def _gradients_by_depth(step: Step, memory: dict, found, message: str) -> Iterable[str] | None:
    ratios = _ratios(step)
    if ratios is None or not all(math.isfinite(r) for r in ratios):
        return None
    memory["times"] = memory.get("times", 0) + 1 if found(*ratios) else 0
    return [message.format(*ratios)] if memory["times"] == 2 else []


@rule(
    "vanishing-gradient", "the first layers get gradient as the last ones do", severity="warning", close=True
)
def vanishing_gradient(step: Step, memory: dict) -> Iterable[str] | None:
    message = (
        "the first layer's gradient is {0:.1e} of its weights, the last layer's {1:.1e}: it vanishes on the way; use"
        " ReLU, a He start, batch normalisation or shortcuts"
    )
    return _gradients_by_depth(step, memory, lambda first, last: first < 1e-3 * last, message)


@rule(
    "exploding-gradient",
    "no layer's gradient is out of proportion to its weights",
    severity="warning",
    close=True,
)
def exploding_gradient(step: Step, memory: dict) -> Iterable[str] | None:
    message = (
        "the first layer's gradient is {0:.1e} of its weights, the last layer's {1:.1e}: it explodes on the way; start"
        " smaller, clip it, or normalise"
    )
    return _gradients_by_depth(step, memory, lambda first, last: first > 100 * last, message)
