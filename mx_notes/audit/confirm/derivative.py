"""One backward pass of a program, held against difference quotients of its loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ...runtime import mx
from ..graph.graph import Node, Output
from ..graph.hand_written import CUSTOM, CannotReplay
from ..graph.operators import FLAT, LOSS_OUTPUTS
from ..graph.replay import OutOfTime, Replay, call, run
from ..graph.tape import FUNCTION
from ..trace.step import Derivative, Look

STEP = 1e-4  # of the difference quotients, relative to the size of the parameter
# The parts of it that are tried, while the quotient is another than the gradient: of float64 the first has digits
# enough and the fewest kinks; hand-written operators that compute in float32 need the last.
PARTS = (1e-3, 0.1, 10.0)
TOLERANCE = 0.01  # of the gradient's size along a random direction
# Without an operator that is wrong alone: rounding in float32 turns some of a deep network's relus on or off, which
# the replay in float64 does not: of ResNet-20 on 32 images of 8 x 8, 0.9% of the gradient.
UNEXPLAINED = 0.1
# Of what a loss changes by along a step: where it is saturated, 1 - p of float32 is off by 6e-8, or is 0.
ROUNDING = 1e-5 * STEP
DIRECTIONS = 3  # in which a gradient is judged: one that is off by 4% is missed once in 100 times
ALONE = 8  # directions in which one operator is judged: it is to be found for certain, and is cheap
SMALLEST = 0.01  # a parameter's size at least: biases begin at 0


@dataclass
class Written:
    """What a backward pass has put into gradients, by their parameters."""

    gradients: dict[Node, np.ndarray] = field(default_factory=dict)
    adding: set[Node] = field(default_factory=set)  # to which it came: what was there is subtracted already
    before: dict[Node, np.ndarray] = field(
        default_factory=dict
    )  # what was there, if it may have been added to it


def judge(look: Look, written: Written, until: float) -> Derivative:
    """Hold gradients against the loss's difference quotients; by halves where they differ.

    until: when to stop, as `time.monotonic` says. Raises CannotReplay, and OutOfTime where no gradient was found
    to be another.
    """
    gradients, adding = written.gradients, written.adding
    if not gradients:
        raise CannotReplay("no dense gradient of float32 or float64 was written")
    replay = Replay(look.graph, look.training, until)
    trial = _Trial(replay, gradients)
    for leaf, before in written.before.items():
        if trial.is_nearer(leaf, gradients[leaf] - before):
            gradients[leaf] = gradients[leaf] - before
            adding.add(leaf)
    found = Derivative(len(gradients), len(set().union(*map(look.graph.below, gradients))))
    # Vectors once more alone: beside matrices a bias hardly counts.
    vectors = [leaf for leaf in gradients if len(Output(leaf).shape or ()) < 2]
    groups = [group for group in (list(gradients), vectors) if group]
    try:
        while groups:
            group = groups.pop(0)
            if not trial.differs(group):
                continue
            names = " or ".join(leaf.name for leaf in group[:3]) + (" or another" if len(group) > 3 else "")
            adds = adding.issuperset(group)
            found = replace(found, name=names, got=trial.last[0], wanted=trial.last[1], adds=adds)
            if len(group) > 1:
                groups[:0] = [group[: len(group) // 2], group[len(group) // 2 :]]
                continue
            culprit = _culprit(look, replay, group[0], set(gradients), adding)
            # Where the gradient is not finite the share is NaN: a program can write 0 times infinity.
            if culprit is not None or trial.share > UNEXPLAINED:
                return replace(found, uses=len(look.graph.users[group[0]]), culprit=culprit)
    except OutOfTime:
        if not (found.name and trial.share > UNEXPLAINED):
            raise
        return replace(found, left="the time was over before the operator was found")
    return replace(found, name="", got=0.0, wanted=0.0, adds=False, difference=trial.largest)


class _Verdict(NamedTuple):
    off: bool  # for certain
    quotient: float
    apart: float  # from what the gradient says, at the nearest; NaN where that is not finite


def _held(
    along: float, size: float, scale: float, quotient: Callable[[float], tuple[float, float]]
) -> _Verdict:
    """Hold what a gradient of a certain size says along a direction against difference quotients.

    scale: of the function's values. quotient: gives it for a part of the step, with how far its halves differ.
    """
    before, nearest = float("nan"), float("inf")
    for part in PARTS:
        value, bend = quotient(part)
        if value == bend == 0 and part != PARTS[-1]:  # the step may be lost in float32
            continue
        # At a kink the loss bends, and a kink within the step changes the quotient with its size; so does rounding.
        doubt = bend + abs(value - before) + 1e-9 * scale + 1e-14
        if not math.isfinite(
            along
        ):  # off where the loss is smooth, and not where it has no derivative either
            if 4 * doubt < TOLERANCE * abs(value):
                return _Verdict(True, value, float("nan"))
            before = value
            continue
        apart = abs(value - along)
        nearest = min(nearest, apart)
        allowed = TOLERANCE * max(size, abs(value)) + ROUNDING
        if not apart > allowed:  # or the loss is not finite, which other rules tell
            return _Verdict(False, value, nearest)
        if apart > allowed + 4 * doubt:
            return _Verdict(True, value, apart)
        before = value
    return _Verdict(False, value, nearest)


def _directions(group: list[Node], seed: int) -> dict[Node, np.ndarray]:
    """A step of each parameter in a random direction, of a size that suits it."""
    random = np.random.RandomState(seed)  # not the program's
    found = {}
    for leaf in group:
        value = Output(leaf).value.astype(np.float64)
        step = STEP * max(float(np.sqrt(np.mean(np.square(value)))), SMALLEST)
        found[leaf] = step * random.choice([-1.0, 1.0], value.shape) * random.uniform(0.5, 1.5, value.shape)
    return found


@dataclass
class _Trial:
    """Random directions, and what the loss does along them."""

    replay: Replay
    gradients: dict[Node, np.ndarray]
    last: tuple[float, float] = (0.0, 0.0)
    share: float = 0.0  # of the gradient's size that it is off by, where it is
    largest: float = 0.0  # the same, where it is right

    def differs(self, group: list[Node]) -> bool:
        """Whether the gradient is off for certain along some direction."""
        return any(self._is_off(group, seed) for seed in range(DIRECTIONS))

    def is_nearer(self, leaf: Node, gradient: np.ndarray) -> bool:
        """Whether this gradient is nearer to the loss's than the one that is there."""
        (direction,) = _directions([leaf], 0).values()
        quotient, _ = self._quotient({leaf: direction}, PARTS[0])
        here, other = (float((each * direction).sum()) for each in (self.gradients[leaf], gradient))
        return abs(other - quotient) < abs(here - quotient)

    def _is_off(self, group: list[Node], seed: int) -> bool:
        direction = _directions(group, seed)
        along = sum(float((self.gradients[leaf] * step).sum()) for leaf, step in direction.items())
        size = float(
            np.sqrt(sum(np.square(self.gradients[leaf] * step).sum() for leaf, step in direction.items()))
        )
        verdict = _held(along, size, abs(self.replay.loss), lambda part: self._quotient(direction, part))
        if verdict.off:
            self.last = along, verdict.quotient
            self.share = verdict.apart / max(size, abs(verdict.quotient))
        else:
            self.largest = max(self.largest, verdict.apart / max(size, 1e-30))
        return verdict.off

    def _quotient(self, direction: dict[Node, np.ndarray], part: float) -> tuple[float, float]:
        """The difference quotient, and by how much the two halves of the step differ."""
        ahead, back = (
            self.replay.loss_with(
                {leaf: Output(leaf).value + sign * part * d for leaf, d in direction.items()}
            )
            for sign in (1, -1)
        )
        return (ahead - back) / (2 * part), abs(ahead - 2 * self.replay.loss + back) / part


def _culprit(look: Look, replay: Replay, leaf: Node, trained: set[Node], adding: set[Node]) -> Node | None:
    """The operator between a parameter and the loss whose own backward is wrong; None if each is right alone."""
    below, precision = look.graph.below(leaf), Output(leaf).value.dtype
    depends = {node for each in trained for node in (look.graph.below(each) | {each})}
    candidates = [node for node in look.graph.nodes if node in below and node.kind not in LOSS_OUTPUTS | FLAT]
    # A backward pass that somebody has written comes first: beyond it nothing else can be told.
    for node in sorted(candidates, key=lambda each: each.op not in (FUNCTION, CUSTOM)):
        try:
            if _is_wrong_alone(node, replay, depends, adding, look.training, precision):
                return node
        except (CannotReplay, mx.base.MXNetError):
            continue
    return None


def _is_wrong_alone(
    node: Node, replay: Replay, depends: set[Node], adding: set[Node], training: bool, precision: np.dtype
) -> bool:
    """Hold an operator's backward pass, as this program asks for it, against differences of its forward."""
    given = [replay.values[each.node][each.index] for each in node.inputs]
    live = [i for i, each in enumerate(node.inputs) if each.node in depends and given[i].dtype == np.float64]
    random = np.random.RandomState(0)
    halves = [array.astype(precision) if array.dtype == np.float64 else array for array in given]
    starts = {}
    for i in live:
        adds = node.inputs[i].node in adding
        halves[i].attach_grad(grad_req="add" if adds else "write")
        starts[i] = random.normal(size=halves[i].shape) if adds else 0.0
        halves[i].grad[:] = mx.nd.array(np.broadcast_to(starts[i], halves[i].shape), dtype=precision)
    with mx.autograd.record(train_mode=training):
        made = call(node, halves)
    seeds = [random.normal(size=each.shape) for each in made]
    mx.autograd.backward(
        made,
        [mx.nd.array(seed, dtype=each.dtype) for each, seed in zip(made, seeds, strict=True)],
        train_mode=training,
    )

    gradients = {i: halves[i].grad.asnumpy() - starts[i] for i in live}
    return any(_is_off(node, given, i, gradients[i], seeds, training) for i in live)


def _is_off(
    node: Node,
    given: list[mx.nd.NDArray],
    i: int,
    gradient: np.ndarray,
    seeds: list[np.ndarray],
    training: bool,
) -> bool:
    """Hold the gradient that an operator gives its i-th input, for these head gradients, against its forward."""

    def total(moved: np.ndarray) -> float:
        inputs = [*given[:i], mx.nd.array(moved, dtype=np.float64), *given[i + 1 :]]
        made = run(node, inputs, training)
        return sum(float((each.asnumpy() * seed).sum()) for each, seed in zip(made, seeds, strict=True))

    value, random = given[i].asnumpy(), np.random.RandomState(1)
    step = STEP * max(float(np.sqrt(np.mean(np.square(value)))), SMALLEST)
    size, middle = step * float(np.sqrt(np.square(gradient).sum())), total(value)
    for _ in range(ALONE):
        direction = step * random.choice([-1.0, 1.0], value.shape)

        def quotient(part: float, direction: np.ndarray = direction) -> tuple[float, float]:
            ahead, back = total(value + part * direction), total(value - part * direction)
            return (ahead - back) / (2 * part), abs(ahead - 2 * middle + back) / part

        if _held(float((gradient * direction).sum()), size, abs(middle), quotient).off:
            return True
    return False
