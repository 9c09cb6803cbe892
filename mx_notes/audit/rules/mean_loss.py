"""The rule mean-loss."""

from __future__ import annotations

import numpy as np

from ...runtime import mx
from ..graph.graph import Graph, Output
from ..graph.losses import Losses
from ..trace.step import Look, Noted, Step
from . import ERROR, NOTHING_TO_CHECK, Findings, NothingToCheck, Rule, first, warning
from ._applied import applied, near


class MeanLoss(Rule):
    """The applied gradient is that of the mean of the batch's losses."""

    id, severity, sampled_only = "mean-loss", ERROR, True
    sees = "the recorded graph from the losses to the heads, and the factor that the optimiser applies"
    wrong = "loss_of(net(x), y).mean().backward()\ntrainer.step(batch_size)  # divided twice"
    right = "loss_of(net(x), y).backward()\ntrainer.step(batch_size)"
    note = "The batch's losses are averaged before backward."

    def __init__(self) -> None:
        self.full: int | None = None  # losses of the first batch

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Hold the weight of all examples' losses together against 1, for each head."""
        gradient = applied(step)
        if gradient is None or any(
            _is_one_sequence(look.graph, gradient.elements) for look in gradient.looks
        ):
            return NOTHING_TO_CHECK
        self.full = self.full or gradient.elements
        if gradient.elements < self.full and near(
            gradient.rescale * gradient.weight, gradient.elements / self.full
        ):
            return []  # partial-batch says so
        one_task = gradient.accumulates and _one_task(gradient.looks)
        passes = max((update.passes for update in step.updates), default=1) if one_task else 1
        devices = len({look.device for look in gradient.looks})
        heads = zip(*gradient.parts, strict=True)
        texts = [_judge(head, gradient.rescale, devices, step.workers, passes) for head in heads]
        if any(texts) and not gradient.known:
            return NOTHING_TO_CHECK
        if any(texts) and _divides_factors_out(step):
            return first(
                [text and warning(f"{text}; this optimiser divides the factor out again") for text in texts]
            )
        return first(texts)


def _is_one_sequence(graph: Graph, losses: int) -> bool:
    """Whether the losses are those of one sequence's times: their sum, its log-likelihood, is the loss of a batch of one."""
    shapes = [node.inputs[0].shape or () for node in graph.of_kind("RNN")]  # (times, batch, features)
    return losses > 1 and any(shape[:2] == (losses, 1) for shape in shapes)


def _divides_factors_out(step: Step) -> bool:
    """Whether the update is the same for a gradient twice as large: by all optimisers that divide by its own size."""
    # Not AdaDelta: its epsilon of 1e-5 is as large as the squares of many gradients.
    known, group = mx.optimizer, mx.optimizer.contrib
    kinds = (
        *(known.Adam, known.Adamax, known.Nadam, known.AdaGrad, group.GroupAdaGrad, known.RMSProp),
        *(known.FTML, known.LAMB, known.Signum),
    )
    alone = all(
        type(sample.optimizer) in kinds and not sample.weight_decay and sample.clip is None
        for sample in step.samples
    )
    return bool(step.samples) and alone and not step.noted(Noted.GRADIENT_SCALED)


def _one_task(looks: list[Look]) -> bool:
    """Whether all passes are alike, as those of micro-batches are and those of tasks are not."""
    first_look, *others = ((_computed(look.graph), _constants(look.graph)) for look in looks)
    return all(other == first_look for other in others)


def _computed(graph: Graph) -> list[tuple]:
    """The operators, with their numbers and parameters."""
    return [
        (node.op, node.attributes.get("scalar"), (node.handle or node.name) if node.parameter else None)
        for node in graph.nodes
    ]


def _constants(graph: Graph) -> list[float]:
    """The values of constant arrays that are neither data nor parameters: a GAN's labels for true and false."""
    data = {output.node for output in graph.data}
    values = [Output(n).value for n in graph.nodes if not (n.inputs or n.parameter or n in data)]
    return [float(v.flat[0]) for v in values if v is not None and v.size and np.ptp(v) == 0]


def _judge(parts: tuple[Losses, ...], rescale: float, devices: int, workers: int, passes: int) -> str | None:
    total = rescale * abs(sum(part.weight for part in parts))  # -mean(log p): negated below the mean
    elements = sum(part.elements for part in parts)
    sizes = {size * len(parts) for part in parts for size in part.examples if size > 1} | {elements}
    if any(near(total, right) for size in sizes for right in (1.0, elements / size)):
        return None
    fix = (
        f"(the losses' weights add up to {total:.4g} instead of 1, with rescale_grad {rescale / workers:.4g})"
    )
    for size in sizes:
        if near(total, size) or near(total, size * workers):
            return f"the gradient is that of the sum of {size} losses, not of their mean {fix}"
        if near(total, 1 / size) or near(total, elements / size**2):
            return (
                f"the gradient is divided by the batch size twice {fix}: either average the loss, or let the"
                " optimiser divide (step(batch_size), rescale_grad), not both"
            )
    for what, number in (("device", devices), ("worker", workers)):
        if number > 1 and (near(total, number) or near(total, 1 / number)):
            return f"the gradient is scaled by the number of {what}s, {number} {fix}"
    if passes > 1 and near(total, passes):
        return (
            f"the gradient is the sum of {passes} micro-batches' means, not the mean over all of them {fix}"
        )
    return None
