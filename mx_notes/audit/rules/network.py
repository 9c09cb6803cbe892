"""Rules on the network: what makes a layer useless."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..graph.graph import BATCH_NORM, SHAPE_ONLY, Graph, Node, Output, fixed_gammas
from ..graph.losses import terms
from ..trace.step import Step
from . import rule
from .left_out import gluon_networks

LINEAR = {"FullyConnected", "Convolution", "_npx_fully_connected", "_npx_convolution"}
SQUARES = {"square", "_npi_square"}
THROUGH = SHAPE_ONLY | {"Dropout", "_npx_dropout"}


@rule(
    "linear-collapse",
    "no two linear layers follow each other without a non-linearity",
    severity="warning",
    close=True,
)
def linear_collapse(step: Step, memory: dict) -> Iterable[str] | None:
    checked, messages = False, []
    for look in step.looks:
        for node in look.graph.named(*LINEAR):
            checked = True
            above = node.inputs[0].node
            while _lets_through(above) and above.inputs:
                above = above.inputs[0].node
            if (
                above.op in LINEAR
                and _collapse(look.graph, above, node)
                and _trained_together(step, above, node)
                and not _of_two_networks(above, node)
            ):
                messages.append(
                    f"{_title(node)} follows {_title(above)} with nothing non-linear between them: the two are one"
                    " linear layer; put an activation between them"
                )
    return list(dict.fromkeys(messages))[:1] if checked else None


def _lets_through(node: Node) -> bool:
    """Whether what comes out is linear in what goes in, without weights."""
    return node.op in THROUGH or (node.op == "Pooling" and node.attributes.get("pool_type") == "avg")


def _collapse(graph: Graph, above: Node, below: Node) -> bool:
    """Whether the two make one linear layer: nothing else, such as a shortcut, takes what is between them."""
    users = list(graph.users[above])
    while users:
        user = users.pop()
        if _lets_through(user):
            users += graph.users[user]
        elif user.op not in LINEAR:
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


def _grouped(node: Node) -> bool:
    return int(node.attributes.get("num_group", 1)) > 1


def _title(node: Node) -> str:
    return node.op if node.name == node.op else f"{node.name} ({node.op})"


@rule("batch-norm", "batch normalisation's settings don't undo it", severity="warning", close=True)
def batch_norm(step: Step, memory: dict) -> Iterable[str] | None:
    checked, messages = False, []
    for look in step.looks:
        for node in look.graph.named(*BATCH_NORM):
            checked = True
            messages += _settings(node)
        decayed = [s.name for s in step.samples if s.weight_decay and s.name in fixed_gammas(look.graph)]
        if decayed:
            messages.append(
                f"{decayed[0]} is held at 1 by fix_gamma=True and decayed all the same: set fix_gamma=False, or its"
                " wd_mult to 0"
            )
    return list(dict.fromkeys(messages))[:2] if checked else None


def _settings(node: Node) -> Iterable[str]:
    # fix_gamma=True is the symbol's default, and harmless in front of another layer's weights: what is
    # worth a word is a gamma that somebody meant to train or to decay.
    if node.attributes.get("use_global_stats") in ("True", "1"):
        yield f"{_title(node)} has use_global_stats=True: it normalises by the running statistics, not the batch's"
    shape = node.inputs[0].shape
    if shape and np.prod(shape) == shape[int(node.attributes.get("axis", 1))]:
        yield f"{_title(node)} sees one value per channel (a batch of one example): it puts out its beta alone"


@rule("dead-activation", "no activation is stuck for all examples", severity="warning", close=True)
def dead_activation(step: Step, memory: dict) -> Iterable[str] | None:
    # relu(NaN) is 0: what died there is the parameters, which non-finite says.
    # To see it costs a forward pass: the second look is taken only where the first has found something.
    if not (memory.get("suspect") or step.number in (2, 16, 64) or step.number % 256 == 0) or not step.finite:
        return None
    checked, stuck = False, []
    memory["suspect"] = False
    for look in step.looks[:1]:
        loss = terms(look.graph)
        for index, node in enumerate(
            n for n in look.graph.nodes if n.activation in ("relu", "sigmoid", "tanh")
        ):
            if node in loss or any(user in loss and user.op in SQUARES for user in look.graph.users[node]):
                continue  # max(0, margin - x), which is to become 0
            values = Output(node).value
            if values is None or not values.size or not np.isfinite(values).all():
                continue
            checked = True
            dead = {
                "relu": lambda v: not (v > 0).any(),
                "sigmoid": lambda v: ((v < 1e-3) | (v > 1 - 1e-3)).mean() > 0.95,
                "tanh": lambda v: (np.abs(v) > 1 - 1e-3).mean() > 0.95,
            }[node.activation](values)
            key = (index, node.name)
            memory[key] = memory.get(key, 0) + 1 if dead else 0
            memory["suspect"] |= memory[key] == 1
            if memory[key] == 2:
                what = "zero" if node.activation == "relu" else "saturated"
                stuck.append(
                    f"{_title(node)}, a {node.activation}, is {what} for all examples of several batches"
                )
    return stuck[:1] if checked else None
