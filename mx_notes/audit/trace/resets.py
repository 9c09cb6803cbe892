"""Recognises a network that goes on training under a new optimiser, however it was made anew.

A small parameter of each network is kept, so that its last values are still there when a program has
built a second network, loaded the first one's parameters into it, and made a new Trainer or Module.
"""

from __future__ import annotations

import gc
import math
import weakref
from dataclasses import dataclass

import numpy as np

from ...runtime import mx
from ..graph.values import is_dense, own, read

STATELESS = ("SGD", "Signum", "SGLD")  # without momentum
LARGEST = 65536  # elements of a parameter that is kept
KEPT = 32  # networks that are remembered, the latest


def remembers(optimizer: mx.optimizer.Optimizer) -> bool:
    """Whether an optimiser keeps a state from update to update."""
    return bool(getattr(optimizer, "momentum", 0)) or type(optimizer).__name__ not in STATELESS


@dataclass(eq=False)
class _Trained:
    updater: weakref.ref
    kind: type
    shapes: list[tuple[int, ...]]
    kept: mx.nd.NDArray
    start: np.ndarray


class Resets:
    """The networks that were trained of late."""

    def __init__(self) -> None:
        self._trained: dict[int, _Trained] = {}  # by the id of the updater

    def before_update(
        self,
        updater: object,
        optimizer: mx.optimizer.Optimizer,
        weights: list[mx.nd.NDArray],
        stateless: bool,
    ) -> bool:
        """At an updater's first update: whether an earlier one, which is gone, trained the same network.

        stateless: the updater has no state for any of the weights.
        """
        known = self._trained.get(id(updater))
        if not remembers(optimizer) or (known is not None and known.updater() is updater):
            return False
        shapes = [weight.shape for weight in weights]
        small = [w for w in weights if is_dense(w) and 2 <= math.prod(w.shape) <= LARGEST]
        if not small:
            return False
        kept = max(small, key=lambda weight: len(weight.shape) > 1)  # no bias, which starts at 0
        values, kind = read(kept), type(optimizer)
        replaced = False
        for key, old in list(self._trained.items()):
            same = old.shapes == shapes and old.kind is kind and stateless
            if same and _goes_on(old, values):
                replaced = True
                del self._trained[key]
        array = own(kept.handle.value)
        self._trained[id(updater)] = _Trained(weakref.ref(updater), kind, shapes, array, values)
        while len(self._trained) > KEPT:
            del self._trained[next(iter(self._trained))]
        return replaced


def _goes_on(old: _Trained, values: np.ndarray) -> bool:
    last = read(old.kept)
    if last.shape != values.shape or not np.array_equal(last, values) or np.array_equal(last, old.start):
        return False
    gc.collect()  # a Trainer and its parameters know each other
    return old.updater() is None
