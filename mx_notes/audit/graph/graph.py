"""The computation that one backward pass differentiates, as nodes with values.

A graph comes from an executor's symbol (`symbol`), or from the operators seen while `autograd` recorded, in
which a hybridised block is opened up into its own symbol (`tape`). Rules ask it what is connected to what,
and for values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..events import NOWHERE, Place
from .operators import ACTIVATIONS, BATCH_NORM, FUSED_RELU, SHAPE_ONLY, TAKES_DATA, kind_of

LEAF = "null"  # MXNet's word for a node without operator


@dataclass(eq=False)
class Node:
    """One operator, or a leaf: data, label, parameter or auxiliary state."""

    op: str  # its name in MXNet's registry; LEAF
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    inputs: list[Output] = field(default_factory=list)
    parameter: bool = False  # a leaf that receives gradient or is an auxiliary state
    place: Place = NOWHERE  # the program's line that called it, where autograd recorded it
    function: object = None  # an autograd.Function: the one that was called
    handle: int = 0  # of a leaf's array where autograd recorded it: a key, not to be handed to MXNet
    fetch: Callable[[int], np.ndarray | None] = lambda index: None
    shape_of: Callable[[int], tuple[int, ...] | None] = lambda index: None

    @cached_property
    def kind(self) -> str:
        """The operator whatever its spelling: see `operators.kind_of`."""
        return kind_of(self.op)

    @property
    def is_leaf(self) -> bool:
        """Whether nothing of the graph computes it."""
        return self.op == LEAF

    @property
    def activation(self) -> str | None:
        """The activation that it computes (relu, sigmoid, tanh …), by whichever operator; None for others."""
        if self.op == FUSED_RELU:
            return "relu"
        kind = self.attributes.get("act_type") if self.kind in ("Activation", "LeakyReLU") else self.kind
        return kind if kind in ACTIVATIONS else None

    @property
    def scalar(self) -> float:
        """The number that an operator such as `_mul_scalar` takes."""
        return float(self.attributes["scalar"])

    def flag(self, attribute: str, default: bool = False) -> bool:
        """A parameter that is true or false."""
        return self.attributes.get(attribute, str(default)) in ("True", "1", "true")


@dataclass(frozen=True)
class Output:
    """The n-th output of a node."""

    node: Node
    index: int = 0

    @property
    def value(self) -> np.ndarray | None:
        """The values, or None where they can't be had."""
        return self.node.fetch(self.index)

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape, or None if unknown."""
        return self.node.shape_of(self.index)


@dataclass
class Graph:
    """The nodes above the heads of a backward pass, inputs before users."""

    heads: list[Output]
    head_gradients: list[np.ndarray | None]  # None: ones
    executor: bool  # from a bound symbol: loss operators there ignore the head gradient

    @cached_property
    def nodes(self) -> list[Node]:
        """In topological order."""
        order: list[Node] = []
        seen: set[Node] = set()
        stack = [(head.node, False) for head in reversed(self.heads)]
        while stack:
            node, expanded = stack.pop()
            if expanded:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack += [(each.node, False) for each in reversed(node.inputs)]
        return order

    @cached_property
    def users(self) -> dict[Node, list[Node]]:
        """For each node, those that take one of its outputs."""
        users: dict[Node, list[Node]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for each in node.inputs:
                users[each.node].append(node)
        return users

    def of_kind(self, *kinds: str) -> Iterator[Node]:
        """The nodes of these kinds of operators."""
        return (node for node in self.nodes if node.kind in kinds)

    @property
    def leaves(self) -> Iterator[Node]:
        """Data, labels, parameters and auxiliary states."""
        return (node for node in self.nodes if node.is_leaf)

    @cached_property
    def data(self) -> list[Output]:
        """Leaves that are neither parameters nor labels: what is fed to the first layers."""
        return [
            Output(node)
            for node in self.leaves
            if not node.parameter and any(user.kind in TAKES_DATA for user in self._beyond_shape(node))
        ]

    @cached_property
    def batch_sizes(self) -> set[int]:
        """What the number of examples may be: the first dimension of the data (in a sequence also the second)."""
        sizes = set()
        for output in self.data:
            shape = output.shape or ()
            sizes |= set(shape[:1])
            if self.feeds(output, "RNN", "Embedding"):
                sizes |= set(shape[1:2])
        return sizes

    def feeds(self, output: Output, *kinds: str) -> bool:
        """Whether a leaf goes, but for its shape unchanged, into one of these kinds of operators."""
        return any(user.kind in kinds for user in self._beyond_shape(output.node))

    def beside(self, output: Output) -> tuple[Node, ...]:
        """The parameters that a leaf meets in the operators that take it."""
        met = (each.node for user in self._beyond_shape(output.node) for each in user.inputs[1:])
        return tuple(node for node in met if node.parameter)

    def above(self, *nodes: Node, through: Callable[[Node], bool] = lambda node: True) -> set[Node]:
        """These nodes and all that they depend on; `through`: whether to go on above a node."""
        above: set[Node] = set()
        stack = list(nodes)
        while stack:
            node = stack.pop()
            if node not in above:
                above.add(node)
                stack += [each.node for each in node.inputs] if through(node) else []
        return above

    def below(self, node: Node) -> set[Node]:
        """All nodes that depend on this one."""
        below: set[Node] = set()
        stack = [node]
        while stack:
            for user in self.users[stack.pop()]:
                if user not in below:
                    below.add(user)
                    stack.append(user)
        return below

    def _beyond_shape(self, node: Node) -> list[Node]:
        users, found = [user for user in self.users[node] if user.inputs[0].node is node], []
        while users:
            user = users.pop()
            found.append(user)
            if user.kind in SHAPE_ONLY:
                users += [each for each in self.users[user] if each.inputs[0].node is user]
        return found


def above_shape(output: Output) -> Node:
    """The nearest operator above that does more than change the shape."""
    node = output.node
    while node.kind in SHAPE_ONLY and node.inputs:
        node = node.inputs[0].node
    return node


def fixed_gammas(graph: Graph) -> set[str]:
    """The gammas that their batch norm holds at 1 (fix_gamma, the default of the symbol and operator)."""
    return {
        node.inputs[1].node.name
        for node in graph.of_kind(*BATCH_NORM)
        if node.flag("fix_gamma", default=True) and len(node.inputs) > 1
    }
