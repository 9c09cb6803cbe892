"""The examples' own gradients, from one training-mode forward pass of the whole batch.

Batch normalisation couples the examples, so an example's gradient is not that of a batch of one. But
backward is linear in the gradient at its heads: with 1 at one example's loss and 0 at the others, it
gives what that example contributes; with 1 at several, the sum of theirs.
"""

from __future__ import annotations

import numpy as np

from ...runtime import mx
from ..graph.symbol import gradients_of, opened
from ..hooks.telling import unreported
from ..trace.ledger import requests_of


def losses_symbol(symbol: mx.sym.Symbol) -> mx.sym.Symbol | None:
    """The examples' losses (N,) in a graph whose gradient is to be that of their mean, or None if it has none.

    Looks for `make_loss(mean(losses))`, the head of `models.mean_cross_entropy`, and for an output
    `losses_output`, to which the mean comes as head gradients (`parallel.DataParallel`).
    """
    if "losses_output" in symbol.list_outputs():
        return symbol["losses_output"]
    places, _ = opened(symbol)
    for node in places:
        if node.kind == "make_loss" and node.inputs[0].node.kind == "mean":
            losses = node.inputs[0].node.inputs[0]
            return symbol.get_internals()[places[losses.node][losses.index]]
    return None


def gradient_sum(
    executor: mx.executor.Executor, losses: mx.sym.Symbol, groups: int = 8
) -> tuple[dict[str, np.ndarray], int]:
    """The sum of the examples' own gradients, for each parameter of a bound executor, and their number.

    losses: a symbol of shape (N,). One backward pass for each example, or, where N is larger than
    `groups`, for each group of them: at most `groups` passes. Call it when the executor's arrays hold
    the batch and before the update. The executor's own arrays are left as they are.
    """
    gradients = gradients_of(executor)
    names = [n for n, req in requests_of(executor).items() if req != "null" and gradients.get(n) is not None]
    with unreported():
        inputs = {name: executor.arg_dict[name].copy() for name in losses.list_arguments()}
        states = [executor.aux_dict[name].copy() for name in losses.list_auxiliary_states()]
        variables = [inputs[name] for name in names if name in inputs]
        for variable in variables:
            variable.attach_grad()
        op = mx.nd.CachedOp(losses)
        arrays = dict(zip(losses.list_auxiliary_states(), states, strict=True)) | inputs
        with mx.autograd.record():
            loss = op(*(arrays[name] for name in losses.list_inputs()))
        count = loss.shape[0]
        totals = [np.zeros(variable.shape) for variable in variables]
        for members in np.array_split(np.arange(count), min(groups, count)):
            head = np.zeros(count, "float32")
            head[members] = 1
            heads = mx.nd.array(head, ctx=loss.context, dtype=loss.dtype)
            parts = mx.autograd.grad(loss, variables, heads, retain_graph=True)
            for total, part in zip(totals, parts, strict=True):
                total += part.asnumpy()
    return dict(zip((n for n in names if n in inputs), totals, strict=True)), count


def relative_difference(expected: dict[str, np.ndarray], applied: dict[str, np.ndarray]) -> float:
    """How far the applied gradient is from the expected: norm of the difference over norm of the expected.

    Over all parameters together: a bias in front of a batch norm has no gradient but rounding noise.
    """
    difference = sum(float(np.square(applied[name] - expected[name]).sum()) for name in expected)
    scale = sum(float(np.square(value).sum()) for value in expected.values())
    return (difference / max(scale, 1e-60)) ** 0.5
