"""The gradient that a step applies, as factors of its examples' losses."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph.losses import Losses, losses
from ..trace.step import Look, Step

TOLERANCE = 0.02  # on a factor that is off by at least 2 when it is wrong


@dataclass(frozen=True)
class Applied:
    """How the losses of a step that was sampled reach its update.

    rescale: the optimiser's factor. Of the other workers' gradients, which are added to this worker's, the losses
    are taken to weigh as much as here: rescale has their number in it.
    """

    rescale: float
    looks: list[Look]
    parts: list[list[Losses]]  # the losses of each look
    accumulates: bool  # several passes are added up

    @property
    def weight(self) -> float:
        """The sum of the factors of the first head's losses."""
        return abs(sum(part[0].weight for part in self.parts))

    @property
    def known(self) -> bool:
        """Whether all factors of the losses can be told."""
        return all(losses.known for part in self.parts for losses in part)

    @property
    def elements(self) -> int:
        """How many losses the first head has."""
        return sum(part[0].elements for part in self.parts)


def applied(step: Step) -> Applied | None:
    """The gradient of a sampled step; None if its losses or its factor can't be told."""
    rescales = {update.rescale for update in step.updates}
    rates = {update.rate for update in step.updates}
    if not step.looks or len(rescales) != 1 or (None in rescales and (len(rates) != 1 or None in rates)):
        return None
    adding = any(update.accumulates for update in step.updates)
    # With grad_req='write' the last backward pass of each device is the one that is applied.
    looks = step.looks if adding else list({look.device: look for look in step.looks}.values())
    parts = [losses(look.graph) for look in looks]
    if not all(parts) or len({len(part) for part in parts}) != 1:
        return None
    rescale, rate = rescales.pop(), rates.pop()
    found = Applied(1.0 if rescale is None else rescale, looks, parts, adding)
    # A factor of 0.001 may be 0.064 divided by a batch of 64; one of 0.1 is a learning rate.
    examples = min({s for part in parts for s in part[0].examples if s > 1}, default=found.elements)
    if rescale is None and not (near(found.weight, found.elements) and rate * examples > 1):
        return None
    return Applied(found.rescale * step.workers, looks, parts, adding)


def near(value: float, expected: float) -> bool:
    """Whether a factor is the expected one."""
    return expected != 0 and abs(value / expected - 1) < TOLERANCE
