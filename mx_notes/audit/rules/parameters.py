"""Rules on which parameters are trained."""

from __future__ import annotations

from collections.abc import Iterable

from ..trace.ledger import Buffer
from ..trace.step import Message, Step
from . import at_end, rule, warning
from .calls import some
from .left_out import FORGOTTEN, MEANT, left_out


@rule("frozen-parameter", "every parameter that receives gradient is updated")
def frozen_parameter(step: Step, memory: dict) -> Iterable[str] | None:
    memory.setdefault("updated", set()).update([update.name for update in step.updates])
    memory["by hand"] = memory.get("by hand", False) or None in [update.optimizer for update in step.updates]
    memory["passes"] = max([memory.get("passes", 1), *[update.passes for update in step.updates]])
    memory["steps"] = step.number
    memory["finite"] = memory.get("finite", True) and step.finite
    if step.looks:
        memory.setdefault("left out", {}).update(left_out(step))
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
    still = [b for b in trained if not b.updates and not (b.is_parameter and b.name in memory["updated"])]
    roles = {b: _role(b, memory) for b in still if _idle(b, memory) >= 2 and b.ever >= 3}
    frozen = [b for b, role in roles.items() if role == FORGOTTEN]
    if frozen:
        text = f"{some(b.name for b in frozen)} received gradient and was never updated: hand it to the optimiser, or"
        messages.append(
            Message(f"{text} set its grad_req to 'null'", step=min(b.since for b in frozen) or None)
        )
    apart = [b for b, role in roles.items() if role not in (FORGOTTEN, MEANT) and not b.fed]
    if apart:
        text = f"{some(b.name for b in apart)}, of a network of its own, received gradient and was never updated: if"
        since = min(b.since for b in apart)
        messages.append(warning(f"{text} it is to stay as it is, set its grad_req to 'null'", step=since))
    stopped = [b for b in trained if b.updates and _stopped(b, memory) and _role(b, memory) == FORGOTTEN]
    if stopped:
        text = f"{some(b.name for b in stopped)} went on to receive gradient, and was not updated any more"
        messages.append(Message(text, step=min(b.updated for b in stopped) + 1))
    if memory["steps"] >= 3 and memory["finite"]:
        messages += _unchanged(memory)
    return messages


def _idle(buffer: Buffer, memory: dict) -> int:
    """In how many steps the gradient was written and something was updated, but not this parameter."""
    return buffer.idle - (buffer.latest > memory["steps"])


def _stopped(buffer: Buffer, memory: dict) -> bool:
    """Whether it missed many updates of others, or nothing at all came of many backward passes."""
    many = 4 * memory["passes"] + 8
    unused = buffer.last is not None and buffer.last.training and not buffer.last.consumed
    return _idle(buffer, memory) > many or (unused and buffer.passes > many)


def _role(buffer: Buffer, memory: dict) -> str:
    known = memory.get("left out", {})
    role = known.get(buffer.weight) or known.get(buffer.name) or FORGOTTEN
    return role if buffer.is_parameter or role == MEANT else FORGOTTEN


def _unchanged(memory: dict) -> Iterable[Message]:
    moved = memory["moved"]
    still = [name for name, (changed, axes) in moved.items() if not changed and axes > 1]
    if moved and not any(changed for changed, _ in moved.values()):
        yield Message(
            f"no parameter ever changed: the gradient of {some(moved)} is zero when it is applied", step=1
        )
    elif still:
        yield warning(f"{some(still)} was updated but never changed: its gradient is zero", step=1)
    idle = [
        b.name
        for b in memory["buffers"]
        if b.is_parameter and b.name in memory["handed"] and not (b.ever or b.updates or b.fed > 1)
    ]
    if idle and not memory["updated"].intersection(idle):
        yield warning(
            f"the optimiser has {some(idle)}, which never received gradient: nothing leads to the loss"
        )
