"""The gradient that a program's own backward pass made, held against difference quotients of its loss."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass

import numpy as np

from ...runtime import mx
from ..graph.graph import Node, Output
from ..graph.operators import FLAT, LOSS_OUTPUTS
from ..graph.replay import CannotReplay, Replay, call, run
from ..graph.tape import FUNCTION
from ..graph.values import OwnArray, is_dense, read
from ..hooks.listener import Listener
from ..trace.ledger import Buffer, Ledger
from ..trace.step import Derivative, Look
from ..trace.steps import OpenStep

BUDGET = 5.0  # seconds of a run
LOOKS = 2  # backward passes of a run that are judged, while the budget lasts
STEP = 1e-4  # of the difference quotients, relative to the size of the parameter
TOLERANCE = 0.005  # of the gradient's size along a random direction: float32 is right to 1e-3
DIRECTIONS = 3  # in which a gradient is judged: one that is off by 2% is missed once in 100 times
SMALLEST = 0.01  # a parameter's size at least: biases begin at 0


class Derivatives(Listener):
    """Judges the first backward passes of a run."""

    def __init__(self, now: OpenStep, books: Ledger) -> None:
        self._now, self._books = now, books
        self._looks, self._spent = 0, 0.0
        self._second_order = False  # a gradient is a part of the loss
        self._before: dict[Buffer, np.ndarray] = {}  # gradients to which the pass will add

    def before_autograd_backward(
        self, heads: list[int], head_gradients: list[int], returned: bool, differentiable: bool
    ) -> None:
        """Remember what a pass will add to."""
        self._second_order = self._second_order or differentiable
        self._remember(self._books.variables.values())

    def before_executor_backward(self, executor: int, head_gradients: list[int]) -> None:
        """Likewise."""
        self._remember(self._books.executors.get(executor, (None, []))[1])

    def after_autograd_backward(self, returned: dict[int, int]) -> None:
        """Judge what the pass has written."""
        by_leaf = dict(self._books.variables)
        self._judge(lambda leaf: by_leaf.get(leaf.handle))

    def after_executor_backward(self, executor: int) -> None:
        """Judge what the pass has written."""
        by_name = {buffer.name: buffer for buffer in self._books.executors.get(executor, (None, []))[1]}
        self._judge(lambda leaf: by_name.get(leaf.name))

    @property
    def _is_due(self) -> bool:
        return self._now.step.sampled and self._looks < LOOKS and self._spent < BUDGET

    def _remember(self, buffers) -> None:
        self._before = {}
        if self._is_due:
            adding = [buffer for buffer in buffers if buffer.request == "add"]
            found = {buffer: _gradient(buffer) for buffer in adding}
            self._before = {
                buffer: read(array).copy() for buffer, array in found.items() if array is not None
            }

    def _judge(self, buffer_of) -> None:
        looks = self._now.step.looks
        if not looks or not self._is_due or looks[-1].judged:
            return
        look = looks[-1]
        look.judged, self._looks = True, self._looks + 1
        start = time.monotonic()
        gradients: dict[Node, np.ndarray] = {}
        adding: set[Node] = set()
        for leaf in look.graph.leaves:
            buffer = buffer_of(leaf) if leaf.parameter else None
            array = _gradient(buffer) if buffer is not None else None
            if array is not None and buffer.last is not None and buffer.last.number == self._now.passes:
                gradients[leaf] = read(array).astype(np.float64) - self._before.get(buffer, 0)
                adding |= {leaf} if buffer.request == "add" else set()
        second_order, self._second_order = self._second_order, False
        try:
            if second_order:
                raise CannotReplay("a gradient is a part of the loss")
            judged = judge(look, gradients, adding, until=start + BUDGET - self._spent)
            self._now.step.derivatives.append(judged)
        except CannotReplay as reason:
            self._now.step.derivatives.append(Derivative(left=str(reason)))
        self._spent += time.monotonic() - start


def _gradient(buffer: Buffer) -> mx.nd.NDArray | None:
    """The array into which backward writes; None where it can't be had, or is sparse."""
    array = buffer.gradient
    if array is None and buffer.array is not None:
        handle = mx.base.NDArrayHandle()
        failed = mx.base._LIB.MXNDArrayGetGrad(buffer.array.handle, ctypes.byref(handle))
        array = OwnArray(handle) if not failed and handle.value else None
    return array if array is not None and is_dense(array) and np.dtype(array.dtype) == np.float32 else None


def judge(look: Look, gradients: dict[Node, np.ndarray], adding: set[Node], until: float) -> Derivative:
    """Hold gradients, by their parameters, against the loss's difference quotients; by halves where they differ.

    adding: those that came to what was there. until: when to stop, as `time.monotonic` says.
    Raises CannotReplay.
    """
    if not gradients:
        return Derivative(left="no dense float32 gradient was written")
    replay = Replay(look.graph, look.training)
    trial = _Trial(replay, gradients)
    # Vectors once more alone: beside matrices a bias hardly counts.
    vectors = [leaf for leaf in gradients if len(Output(leaf).shape or ()) < 2]
    groups = [group for group in (list(gradients), vectors) if group]
    while groups and time.monotonic() < until:
        group = groups.pop(0)
        if not trial.differs(group):
            continue
        if len(group) > 1:
            groups[:0] = [group[: len(group) // 2], group[len(group) // 2 :]]
            continue
        (leaf,) = group
        got, wanted = trial.last
        culprit = _culprit(look, replay, leaf, set(gradients), adding)
        uses = len(look.graph.users[leaf])
        return Derivative(len(gradients), leaf.name, got, wanted, culprit, uses, adds=leaf in adding)
    return Derivative(len(gradients), left="" if not groups else "the time for it was over")


@dataclass
class _Trial:
    """Random directions, and what the loss does along them."""

    replay: Replay
    gradients: dict[Node, np.ndarray]
    last: tuple[float, float] = (0.0, 0.0)

    def differs(self, group: list[Node]) -> bool:
        """Whether the gradient is off for certain along some direction."""
        return any(self._is_off(group, seed) for seed in range(DIRECTIONS))

    def _is_off(self, group: list[Node], seed: int) -> bool:
        random = np.random.RandomState(seed)  # not the program's
        direction, size, along = {}, 0.0, 0.0
        for leaf in group:
            value = Output(leaf).value.astype(np.float64)
            step = STEP * max(float(np.sqrt(np.mean(np.square(value)))), SMALLEST)
            direction[leaf] = step * random.choice([-1.0, 1.0], value.shape)
            along += float((self.gradients[leaf].reshape(value.shape) * direction[leaf]).sum())
            size += float(np.square(self.gradients[leaf]).sum()) * step**2
        fine, bend = self._quotient(direction, 0.1)
        self.last, allowed = (along, fine), TOLERANCE * np.sqrt(size)
        if not np.isfinite([along, fine]).all() or abs(fine - along) <= allowed:
            return False
        # At a kink the loss bends, and a kink within the step changes the quotient with its size.
        doubt = bend + abs(self._quotient(direction, 1.0)[0] - fine) + 1e-9 * abs(self.replay.loss) + 1e-14
        return abs(fine - along) > allowed + 4 * doubt

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
    below = look.graph.below(leaf)
    depends = {node for each in trained for node in (look.graph.below(each) | {each})}
    candidates = [node for node in look.graph.nodes if node in below and node.kind not in LOSS_OUTPUTS | FLAT]
    # A backward pass that somebody has written comes first: beyond it nothing else can be told.
    for node in sorted(candidates, key=lambda each: each.op != FUNCTION):
        try:
            if _is_wrong_alone(node, replay, depends, adding, look.training):
                return node
        except CannotReplay:
            continue
    return None


def _is_wrong_alone(
    node: Node, replay: Replay, depends: set[Node], adding: set[Node], training: bool
) -> bool:
    """Hold an operator's backward pass, as this program asks for it, against differences of its forward."""
    given = [replay.values[each.node][each.index] for each in node.inputs]
    live = [i for i, each in enumerate(node.inputs) if each.node in depends and given[i].dtype == np.float64]
    random = np.random.RandomState(0)
    halves = [array.astype(np.float32) if array.dtype == np.float64 else array for array in given]
    starts = {}
    for i in live:
        adds = node.inputs[i].node in adding
        halves[i].attach_grad(grad_req="add" if adds else "write")
        starts[i] = random.normal(size=halves[i].shape) if adds else 0.0
        halves[i].grad[:] = mx.nd.array(np.broadcast_to(starts[i], halves[i].shape))
    with mx.autograd.record(train_mode=training):
        made = call(node, halves)
    seeds = [random.normal(size=each.shape) for each in made]
    mx.autograd.backward(made, [mx.nd.array(seed) for seed in seeds], train_mode=training)

    def total(inputs: list[mx.nd.NDArray]) -> float:
        return sum(
            float((each.asnumpy() * seed).sum())
            for each, seed in zip(run(node, inputs, training), seeds, strict=True)
        )

    for i in live:
        value, gradient = given[i].asnumpy(), halves[i].grad.asnumpy() - starts[i]
        step = STEP * max(float(np.sqrt(np.mean(np.square(value)))), SMALLEST)
        size = step * float(np.sqrt(np.square(gradient).sum()))
        for _ in range(DIRECTIONS):
            direction = step * random.choice([-1.0, 1.0], value.shape)
            along = float((gradient * direction).sum())
            sides = []
            for part in (0.1, 0, -0.1):
                moved = mx.nd.array(value + part * direction, dtype=np.float64)
                sides.append(total([*given[:i], moved, *given[i + 1 :]]))
            quotient, bend = (sides[0] - sides[2]) / 0.2, abs(sides[0] - 2 * sides[1] + sides[2]) / 0.1
            if not abs(quotient - along) <= 2 * TOLERANCE * max(size, abs(quotient)) + 4 * bend + 1e-12:
                return True
    return False
