"""The rule device-divergence."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..graph.values import read
from ..trace.step import Step, WeightCopy
from . import ERROR, NOTHING_TO_CHECK, Findings, NothingToCheck, Rule, first

TOLERANCE = (
    1e-5  # equal gradients and equal arithmetic give equal bits; this leaves room for another order of sums
)


class DeviceDivergence(Rule):
    """The copies of a parameter on several devices are equal after the update."""

    id, severity, sampled_only = "device-divergence", ERROR, True
    sees = "samples of each device's copy of a parameter, after the update"
    wrong = 'Trainer(params, "sgd", kvstore=None)  # on two devices'
    right = 'Trainer(params, "sgd", kvstore="device")'

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Compare the copies of each parameter."""
        several = list(_copies(step))
        for name, copies in several:
            one, *others = (read(copy.values) for copy in copies)
            scale = max(float(np.abs(one).max(initial=0)), 1e-12)
            apart = max(float(np.abs(one - other).max(initial=0)) for other in others)
            if apart > TOLERANCE * scale:
                return first(
                    [
                        f"{name} differs between its {len(others) + 1} devices after the update, by {apart / scale:.1e} of"
                        " its size: gradients are not summed over the devices (kvstore), or the copies began differently"
                    ]
                )
        return [] if several else NOTHING_TO_CHECK


def _copies(step: Step) -> Iterable[tuple[str, tuple[WeightCopy, ...]]]:
    """Each parameter of several devices with its copies.

    An optimiser knows parameters by name. By hand they are told by their order: those updated after one
    device's backward pass are the copies of those after another's, if all shapes agree.
    """
    named: dict[str, list[WeightCopy]] = {}
    passes: dict[int, list[WeightCopy]] = {}
    for copy in step.weights:
        if copy.backward:
            passes.setdefault(copy.backward, []).append(copy)
        else:
            named.setdefault(copy.name, []).append(copy)
    yield from ((name, tuple(copies)) for name, copies in named.items() if _of_several_devices(copies))
    alike: dict[tuple, list[list[WeightCopy]]] = {}
    for updated in passes.values():
        alike.setdefault(tuple(copy.shape for copy in updated), []).append(updated)
    for groups in alike.values():
        if len({copy.values.context for updated in groups for copy in updated}) == len(groups) > 1:
            yield from ((copies[0].name, copies) for copies in zip(*groups, strict=True))


def _of_several_devices(copies: list[WeightCopy]) -> bool:
    """Whether copies of one name are of one parameter: two parameters of a device may have the same name."""
    devices, shapes = {copy.values.context for copy in copies}, {copy.shape for copy in copies}
    return len(devices) == len(copies) > 1 and len(shapes) == 1
