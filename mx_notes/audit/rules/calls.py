"""Rules on the order and number of calls."""

from __future__ import annotations

from collections.abc import Iterable

from ..trace import Message, Step
from . import at_end, rule, warning


def _some(names: Iterable[str]) -> str:
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
            f"the update applied a stale gradient of {_some(stale)}: no backward pass had written it since the"
            " update before; call backward once before each update"
        )
    if step.lost:
        messages.append(
            f"a second backward pass overwrote the gradient of {_some(step.lost)} before anybody used the first;"
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
        f"the gradient of {_some(kept)} has grad_req='add' and was not cleared after the update before: old gradients"
        " are applied again; call zero_grad() after each update"
    ]


@rule("frozen-parameter", "every parameter that receives gradient is updated")
def frozen_parameter(step: Step, memory: dict) -> Iterable[str] | None:
    memory.setdefault("updated", set()).update([update.name for update in step.updates])
    memory["by hand"] = memory.get("by hand", False) or None in [update.optimizer for update in step.updates]
    memory["passes"] = max([memory.get("passes", 1), *[update.passes for update in step.updates]])
    memory["steps"] = memory.get("steps", 0) + 1
    memory["finite"] = memory.get("finite", True) and step.finite
    moved = memory.setdefault("moved", {})  # parameter: has it changed, how many axes has it
    for sample in step.samples:
        if sample.learning_rate and not moved.get(sample.name, (False,))[0]:
            changed = bool((sample.weight_before.asnumpy() != sample.weight_after.asnumpy()).any())
            moved[sample.name] = changed, len(sample.weight_before.shape)
    return []


@at_end("frozen-parameter")
def never_updated(memory: dict) -> Iterable[str] | None:
    if "updated" not in memory:
        return None
    messages = []
    trained = [
        b for b in memory["buffers"] if b.fed < 2 and (b.is_parameter or (memory["by hand"] and not b.fed))
    ]
    frozen = [
        b
        for b in trained
        if b.ever >= 3 and not b.updates and not (b.is_parameter and b.name in memory["updated"])
    ]
    if frozen and memory["steps"] >= 2:
        messages.append(
            Message(
                f"{_some(b.name for b in frozen)} received gradient and was never updated: hand it to the optimiser, or"
                " set its grad_req to 'null'",
                step=min(b.since for b in frozen) or None,
            )
        )
    stopped = [b for b in trained if b.updates and b.passes > 4 * memory["passes"] + 8]
    if stopped:
        text = f"{_some(b.name for b in stopped)} went on to receive gradient, and was not updated any more"
        messages.append(Message(text, step=min(b.updated for b in stopped) + 1))
    if memory["steps"] >= 3 and memory["finite"]:
        messages += _unchanged(memory)
    return messages


def _unchanged(memory: dict) -> Iterable[Message]:
    moved = memory["moved"]
    still = [name for name, (changed, axes) in moved.items() if not changed and axes > 1]
    if moved and not any(changed for changed, _ in moved.values()):
        yield Message(
            f"no parameter ever changed: the gradient of {_some(moved)} is zero when it is applied", step=1
        )
    elif still:
        yield warning(f"{_some(still)} was updated but never changed: its gradient is zero", step=1)
    idle = [
        b.name
        for b in memory["buffers"]
        if b.is_parameter and b.name in memory["handed"] and not (b.ever or b.updates or b.fed > 1)
    ]
    if idle and not memory["updated"].intersection(idle):
        yield warning(
            f"the optimiser has {_some(idle)}, which never received gradient: nothing leads to the loss"
        )
