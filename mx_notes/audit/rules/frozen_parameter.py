"""The rule frozen-parameter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..graph.graph import Node
from ..graph.values import read
from ..trace.ledger import Buffer
from ..trace.step import RunFacts, Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule, warning
from ._flat import cut_off, is_masked
from ._left_out import Role, left_out
from ._words import some, title


@dataclass
class Moved:
    """Whether a parameter has changed in any sampled step, or had a gradient other than zero."""

    matrix: bool
    changed: bool = False
    gradient: bool = False
    masked: bool = False  # in some batch it had nothing to learn from
    flat: Node | None = None  # the operator that keeps gradient from it


class FrozenParameter(Rule):
    """Every parameter that receives gradient is updated."""

    id, severity = "frozen-parameter", ERROR
    sees = "which gradients are written, which parameters updated and moved, over the whole run"
    wrong = "Trainer(net.output.collect_params(), ...)  # the body receives gradient, too"
    right = "Trainer(net.collect_params(), ...)  # or set grad_req='null' on what is to stay"

    def __init__(self) -> None:
        self.steps, self.passes = 0, 1  # steps; the most backward passes of one step
        self.updated: set[str] = set()
        self.by_hand = False  # some update was not an optimiser's
        self.finite = True
        self.roles: dict[int | str, Role] = {}  # of parameters that some step left out
        self.moved: dict[str, Moved] = {}

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Remember what was updated and what moved; the verdict comes at the end."""
        self.steps = step.number
        for update in step.updates:
            self.updated.add(update.name)
            if update.buffer is not None:
                self.updated.add(update.buffer.name)
            self.by_hand = self.by_hand or update.optimizer is None
            self.passes = max(self.passes, update.passes)
        self.finite = self.finite and step.finite
        if step.looks:
            self.roles.update(left_out(step))
        for sample in step.samples:
            if sample.learning_rate:
                moved = self.moved.setdefault(sample.name, Moved(len(sample.shape) > 1))
                changed = moved.changed or (read(sample.weight_before) != read(sample.weight_after)).any()
                moved.changed = bool(changed)
                moved.gradient = moved.gradient or bool(read(sample.gradient).any())
        if any(not moved.gradient for moved in self.moved.values()):
            self._look_for_cuts(step)
        return []

    def _look_for_cuts(self, step: Step) -> None:
        names = {update.buffer.weight: update.name for update in step.updates if update.buffer is not None}
        for look in step.looks:
            cuts = cut_off(look.graph)
            for leaf in look.graph.leaves:
                moved = self.moved.get(names.get(leaf.handle, leaf.name))
                if moved is not None and leaf.parameter:
                    moved.flat = cuts.get(leaf)
                    moved.masked = moved.masked or (not moved.gradient and is_masked(look.graph, leaf))

    def at_end(self, run: RunFacts) -> Findings | NothingToCheck:
        """Look for parameters that received gradient and were never, or no longer, updated."""
        if not self.steps:
            return NOTHING_TO_CHECK
        findings = []
        trained = [
            b
            for b in [*run.buffers, *run.departed]
            if b.fed < 2 and (b.is_parameter or (self.by_hand and not b.fed))
        ]
        still = [b for b in trained if not b.updates and not (b.is_parameter and b.name in self.updated)]
        roles = {b: self._role(b) for b in still if self._idle(b) >= 2 and b.ever >= 3}
        frozen = [b for b, role in roles.items() if role is Role.FORGOTTEN]
        if frozen:
            text = f"{some(b.name for b in frozen)} received gradient and was never updated: hand it to the optimiser, or"
            since = min(b.since for b in frozen) or None
            findings.append(Message(f"{text} set its grad_req to 'null'", step=since))
        apart = [b for b, role in roles.items() if role is Role.APART and not b.fed]
        if apart:
            text = f"{some(b.name for b in apart)}, of a network of its own, received gradient and was never updated: if"
            since = min(b.since for b in apart)
            findings.append(warning(f"{text} it is to stay as it is, set its grad_req to 'null'", step=since))
        stopped = [b for b in trained if b.updates and self._stopped(b) and self._role(b) is Role.FORGOTTEN]
        if stopped:
            text = (
                f"{some(b.name for b in stopped)} went on to receive gradient, and was not updated any more"
            )
            findings.append(Message(text, step=min(b.updated for b in stopped) + 1))
        if self.steps >= 3 and self.finite:
            findings += self._unchanged(run)
        return findings

    def _idle(self, buffer: Buffer) -> int:
        """In how many steps the gradient was written and something was updated, but not this parameter."""
        return buffer.idle - (buffer.latest > self.steps)

    def _stopped(self, buffer: Buffer) -> bool:
        """Whether it missed many updates of others, or nothing at all came of many backward passes."""
        many = 4 * self.passes + 8
        unused = buffer.last is not None and buffer.last.training and not buffer.last.consumed
        return self._idle(buffer) > many or (unused and buffer.passes > many)

    def _role(self, buffer: Buffer) -> Role:
        role = self.roles.get(buffer.weight) or self.roles.get(buffer.name) or Role.FORGOTTEN
        return role if buffer.is_parameter or role is Role.MEANT else Role.FORGOTTEN

    def _unchanged(self, run: RunFacts) -> Iterable[Message]:
        matrices = {name: moved for name, moved in self.moved.items() if moved.matrix}
        empty = {name: moved for name, moved in matrices.items() if not (moved.gradient or moved.masked)}
        still = [name for name, moved in matrices.items() if moved.gradient and not moved.changed]
        if self.moved and not any(moved.gradient for moved in self.moved.values()):
            what = "it moves by weight decay alone" if any(m.changed for m in self.moved.values()) else ""
            text = f"no parameter ever changed: the gradient of {some(self.moved)} is zero when it is applied"
            text = f"no gradient ever reached {some(self.moved)}: {what}" if what else text
            yield _with_cause(Message(text, step=1), list(self.moved.values()))
        elif empty:
            how = (
                "was updated but never changed"
                if not any(m.changed for m in empty.values())
                else "got no gradient"
            )
            text = f"{some(empty)} {how}: its gradient is zero"
            yield _with_cause(warning(text, step=1), list(empty.values()))
        if still:
            text = f"{some(still)} was updated but never changed, though it has gradient: the update is lost in rounding"
            yield warning(text, step=1)
        idle = [
            b.name
            for b in [*run.buffers, *run.departed]
            if b.is_parameter and b.name in run.handed and not (b.ever or b.updates or b.fed > 1)
        ]
        if idle and not self.updated.intersection(idle):
            yield warning(
                f"the optimiser has {some(idle)}, which never received gradient: nothing leads to the loss"
            )


def _with_cause(message: Message, parameters: list[Moved]) -> Message:
    """Name the operator that lets no gradient through, where one stands before all of these."""
    flat = parameters[0].flat
    if flat is None or any(moved.flat is None for moved in parameters):
        return message
    return replace(message, text=f"{message.text}; {title(flat)} lets none through", place=flat.place)
