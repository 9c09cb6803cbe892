"""The rule linear-collapse."""

from __future__ import annotations

import math

from ..graph.graph import Graph, Node
from ..graph.operators import LINEAR_LAYERS, SHAPE_ONLY
from ..trace.step import Step
from . import NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule, first
from ._left_out import gluon_networks
from ._words import title


class LinearCollapse(Rule):
    """No two linear layers follow each other without a non-linearity."""

    id, severity, sampled_only = "linear-collapse", WARNING, True
    sees = "the operators between layers, and which optimiser has which weights"
    wrong = "net.add(Dense(64), Dense(10))"
    right = 'net.add(Dense(64, activation="relu"), Dense(10))'
    note = "Layers without a non-linearity between them are one linear layer."

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look above each linear layer for another one."""
        checked, messages = False, []
        for look in step.looks:
            for node in look.graph.of_kind(*LINEAR_LAYERS):
                checked = True
                above = node.inputs[0].node
                while _lets_through(above) and above.inputs:
                    above = above.inputs[0].node
                if (
                    above.kind in LINEAR_LAYERS
                    and _collapse(look.graph, above, node)
                    and _trained_together(step, above, node)
                    and not _of_two_networks(above, node)
                    and not _is_factor(above, node)
                ):
                    text = (
                        f"{title(node)} follows {title(above)} with nothing non-linear between them: the two are one"
                        " linear layer; put an activation between them"
                    )
                    messages.append(Message(text, place=node.place))
        return first(messages) if checked else NOTHING_TO_CHECK


def _lets_through(node: Node) -> bool:
    """Whether its output is linear in its input, without weights."""
    average = node.kind == "Pooling" and node.attributes.get("pool_type") == "avg"
    return node.kind in SHAPE_ONLY or node.kind == "Dropout" or average


def _collapse(graph: Graph, above: Node, below: Node) -> bool:
    """Whether the two make one linear layer: nothing else, such as a shortcut, takes what is between them."""
    users = list(graph.users[above])
    while users:
        user = users.pop()
        if _lets_through(user):
            users += graph.users[user]
        elif user.kind not in LINEAR_LAYERS:
            return False
    return not _grouped(above) and not _grouped(below)


def _trained_together(step: Step, *layers: Node) -> bool:
    """Whether one optimiser has both: a generator ends and its discriminator begins with a layer of its own."""
    trained = {update.buffer.weight: update.updater for update in step.updates if update.buffer}
    trained |= {update.name: update.updater for update in step.updates}
    weights = [layer.inputs[1].node for layer in layers]
    return len({trained.get(weight.handle, trained.get(weight.name)) for weight in weights}) == 1


def _of_two_networks(*layers: Node) -> bool:
    """Whether each is of a network of several layers: two of those may meet, as the generators of a CycleGAN do."""
    weights = [layer.inputs[1].node.handle for layer in layers]
    if not all(weights):
        return False
    networks = [network for network in gluon_networks() if len(network) > 2]
    homes = [{i for i, network in enumerate(networks) if weight in network} for weight in weights]
    return all(homes) and not set.intersection(*homes)


def _is_factor(above: Node, below: Node) -> bool:
    """Whether two layers of a kind have fewer units between them than before and after: they make one of low rank."""
    first, second = (layer.inputs[1].shape for layer in (above, below))
    return (
        above.kind == below.kind
        and bool(first and second)
        and first[0] < min(math.prod(first[1:]), second[0])
    )


def _grouped(node: Node) -> bool:
    return int(node.attributes.get("num_group", 1)) > 1
