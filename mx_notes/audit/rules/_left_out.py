"""Which parameters receive gradient in a step that does not update them, and whether that may be meant.

Many right programs leave a whole network as it is and yet send gradient through it: an image is optimised,
an adversarial example is looked for, the features of a fixed network measure how alike two pictures are.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from enum import Enum

from ...runtime import mx
from ..graph.graph import Graph, Node, Output
from ..graph.operators import PRODUCTS, SHAPE_ONLY, TAKES_DATA
from ..trace.step import Look, Step


class Role(Enum):
    """What a parameter is that a step leaves out."""

    FORGOTTEN = "it belongs to the network that is updated"
    APART = "it is of a network of its own, behind or beside the network that is updated"
    MEANT = "its network's input is what is updated"


def left_out(step: Step) -> dict[int | str, Role]:
    """The role of each parameter that the step's backward passes reach and its updates don't.

    Parameters are told by the handle of their array, in executors by their name.
    """
    updated = {update.name for update in step.updates}
    for update in step.updates:
        if update.buffer is not None:
            updated |= {update.buffer.weight, update.buffer.name}
    roles: dict[int | str, Role] = {}
    networks: list[set[int]] | None = None
    for look in step.looks:
        leaves = [node for node in look.graph.leaves if node.parameter]
        trained = [leaf for leaf in leaves if _key(leaf) in updated]
        others = [leaf for leaf in leaves if _key(leaf) not in updated]
        if not trained or not others:
            continue
        if networks is None and not look.graph.executor:
            networks = gluon_networks()
        for leaf in others:
            role = _role(look, leaf, trained, others, networks or [])
            if roles.get(_key(leaf)) is not Role.FORGOTTEN:
                roles[_key(leaf)] = role
    return roles


def _role(look: Look, leaf: Node, trained: list[Node], others: list[Node], networks: list[set[int]]) -> Role:
    handles = {each.handle for each in trained}
    if any(leaf.handle in network and network & handles for network in networks):
        return Role.FORGOTTEN
    weights = [each for each in trained if not _is_input(look.graph, each, others)]
    if not weights:
        return Role.MEANT
    if look.graph.executor:
        return Role.FORGOTTEN
    below = look.graph.below(leaf)
    for weight in weights:
        matrix = len(Output(weight).shape or ()) > 1
        if any(u in below and (matrix or u.kind in TAKES_DATA) for u, _ in _uses(look.graph, weight)):
            return Role.FORGOTTEN
    return Role.APART


def _key(leaf: Node) -> int | str:
    return leaf.handle or leaf.name


def gluon_networks() -> list[set[int]]:
    """The handles of the parameters' arrays of each Gluon network that is not a part of another.

    Reads the blocks' own dictionaries: no method of a user's class is called.
    """
    blocks = [thing for thing in gc.get_objects() if issubclass(type(thing), mx.gluon.Block)]
    inside = [vars(block) for block in blocks]
    parts = {id(child) for own in inside for child in own.get("_children", {}).values()}
    return [_handles(block) for block in blocks if id(block) not in parts]


def _handles(block: mx.gluon.Block) -> set[int]:
    found: set[int] = set()
    seen: set[int] = set()
    stack = [block]
    while stack:
        own = vars(stack.pop())
        if id(own) in seen:
            continue
        seen.add(id(own))
        stack += own.get("_children", {}).values()
        scope = own.get("_params")
        parameters = [
            *own.get("_reg_params", {}).values(),
            *(scope._params.values() if scope is not None else ()),
        ]
        found |= {data.handle.value for parameter in parameters for data in parameter._data or ()}
    return found


def _uses(graph: Graph, leaf: Node) -> Iterable[tuple[Node, int]]:
    """The operators that take the leaf, but for its shape unchanged, and as which of their inputs."""
    stack = [leaf]
    while stack:
        node = stack.pop()
        for user in graph.users[node]:
            if user.kind in SHAPE_ONLY:
                stack.append(user)
            else:
                yield from ((user, i) for i, each in enumerate(user.inputs) if each.node is node)


def _is_input(graph: Graph, leaf: Node, others: list[Node]) -> bool:
    """Whether the leaf goes into layers of others' weights, and is itself no layer's weight."""
    for user, position in _uses(graph, leaf):
        factor = user.inputs[1].node if len(user.inputs) > 1 else None
        if user.kind in TAKES_DATA and (position or (user.kind in PRODUCTS and not factor.parameter)):
            return False
    layers = {
        user
        for other in others
        for user, position in _uses(graph, other)
        if position and user.kind in TAKES_DATA
    }
    return bool(layers & graph.below(leaf))
