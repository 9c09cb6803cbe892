"""Which parameters receive gradient in a step that does not update them, and whether that may be meant.

Many right programs leave a whole network as it is and yet send gradient through it: an image is optimised,
an adversarial example is looked for, the features of a fixed network measure how alike two pictures are.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable

from ...runtime import mx
from ..graph.graph import SHAPE_ONLY, TAKES_DATA, Graph, Node, Output
from ..trace.step import Look, Step

FORGOTTEN = "forgotten"  # it belongs to the network that is updated
APART = "apart"  # it is of a network of its own, behind or beside the one that is updated
MEANT = "meant"  # what is updated is the network's input

_PRODUCTS = {"dot", "batch_dot", "_npi_dot", "_np_dot", "_npi_matmul", "linalg_gemm2", "_linalg_gemm2"}


def left_out(step: Step) -> dict[int | str, str]:
    """FORGOTTEN, APART or MEANT for the parameters that the step's backward passes reach and its updates don't.

    Parameters are told by the handle of their array, in executors by their name.
    """
    updated = {update.name for update in step.updates}
    for update in step.updates:
        if update.buffer is not None:
            updated |= {update.buffer.weight, update.buffer.name}
    roles: dict[int | str, str] = {}
    networks: list[set[int]] | None = None
    for look in step.looks:
        leaves = [node for node in look.graph.named("null") if node.parameter]
        trained = [leaf for leaf in leaves if _key(leaf) in updated]
        others = [leaf for leaf in leaves if _key(leaf) not in updated]
        if not trained or not others:
            continue
        if networks is None and not look.graph.executor:
            networks = gluon_networks()
        for leaf in others:
            role = _role(look, leaf, trained, others, networks or [])
            if roles.get(_key(leaf)) != FORGOTTEN:
                roles[_key(leaf)] = role
    return roles


def _role(look: Look, leaf: Node, trained: list[Node], others: list[Node], networks: list[set[int]]) -> str:
    handles = {each.handle for each in trained}
    if any(leaf.handle in network and network & handles for network in networks):
        return FORGOTTEN
    weights = [each for each in trained if not _is_input(look.graph, each, others)]
    if not weights:
        return MEANT
    if look.graph.executor:
        return FORGOTTEN
    below = _below(look.graph, leaf)
    for weight in weights:
        matrix = len(Output(weight).shape or ()) > 1
        if any(user in below and (matrix or user.op in TAKES_DATA) for user, _ in _uses(look.graph, weight)):
            return FORGOTTEN
    return APART


def _key(leaf: Node) -> int | str:
    return leaf.handle or leaf.name


def gluon_networks() -> list[set[int]]:
    """The parameters' arrays of each Gluon network that is not a part of another."""
    blocks = [thing for thing in gc.get_objects() if isinstance(thing, mx.gluon.Block)]
    parts = {id(child) for block in blocks for child in block._children.values()}
    return [
        {data.handle.value for p in block.collect_params().values() for data in p._data or ()}
        for block in blocks
        if id(block) not in parts
    ]


def _uses(graph: Graph, leaf: Node) -> Iterable[tuple[Node, int]]:
    """The operators that take the leaf, but for its shape unchanged, and as which of their inputs."""
    stack = [leaf]
    while stack:
        node = stack.pop()
        for user in graph.users[node]:
            if user.op in SHAPE_ONLY:
                stack.append(user)
            else:
                yield from ((user, i) for i, each in enumerate(user.inputs) if each.node is node)


def _below(graph: Graph, leaf: Node) -> set[Node]:
    below, stack = set(), [leaf]
    while stack:
        for user in graph.users[stack.pop()]:
            if user not in below:
                below.add(user)
                stack.append(user)
    return below


def _is_input(graph: Graph, leaf: Node, others: list[Node]) -> bool:
    """Whether the leaf goes into layers of others' weights, and is itself no layer's weight."""
    for user, position in _uses(graph, leaf):
        factor = user.inputs[1].node if len(user.inputs) > 1 else None
        if user.op in TAKES_DATA and (position or (user.op in _PRODUCTS and not factor.parameter)):
            return False
    layers = {
        user
        for other in others
        for user, position in _uses(graph, other)
        if position and user.op in TAKES_DATA
    }
    return bool(layers & _below(graph, leaf))
