"""Rules on the order and number of calls."""

from __future__ import annotations

from collections.abc import Iterable

from ..trace.step import Step
from . import rule


def some(names: Iterable[str]) -> str:
    """The first three names, and how many more there are."""
    names = list(dict.fromkeys(names))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


@rule("backward-once", "each gradient is written by exactly one backward pass per device between two updates")
def backward_once(step: Step, memory: dict) -> Iterable[str] | None:
    seen = [update for update in step.updates if update.buffer is not None]
    if not seen and not step.lost:
        return None
    messages = []
    stale = [update.name for update in seen if update.stale]
    if stale:
        messages.append(
            f"the update applied a stale gradient of {some(stale)}: no backward pass had written it since the"
            " update before; call backward once before each update"
        )
    if step.lost:
        messages.append(
            f"a second backward pass overwrote the gradient of {some(step.lost)} before anybody used the first;"
            " add the losses and call backward once, or use grad_req='add' and clear the gradients after the update"
        )
    return messages


@rule("call-order", "forward, then backward, then update, for the same batch")
def call_order(step: Step, memory: dict) -> Iterable[str] | None:
    if not step.updates:
        return None
    return step.seen("call-order")


@rule("train-mode", "the forward of a backward pass runs in training mode, and evaluation does not")
def train_mode(step: Step, memory: dict) -> Iterable[str] | None:
    if not any(event[0] == "forward" for event in step.events):
        return None
    return step.seen("train-mode")


@rule("running-statistics", "batch norm's running statistics are settled before anything reads them")
def running_statistics(step: Step, memory: dict) -> Iterable[str] | None:
    if not step.statistics:
        return None
    return step.seen("running-statistics")


@rule("gradient-carryover", "with grad_req='add', every gradient is cleared between updates")
def gradient_carryover(step: Step, memory: dict) -> Iterable[str] | None:
    adding = [
        update for update in step.updates if update.buffer is not None and update.buffer.request == "add"
    ]
    if not adding:
        return None
    kept = [update.name for update in adding if update.uncleared]
    if not kept:
        return []
    return [
        f"the gradient of {some(kept)} has grad_req='add' and was not cleared after the update before: old gradients"
        " are applied again; call zero_grad() after each update"
    ]
