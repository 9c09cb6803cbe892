"""Nadam's momentum schedule, which advances once per parameter instead of once per step."""

from __future__ import annotations

from ..opening import mxnet

FILE = "python/mxnet/optimizer/optimizer.py"


def apply() -> None:
    """Give each parameter a schedule of its own."""
    Nadam = mxnet().optimizer.Nadam
    own = Nadam.update

    def update(self, index, weight, grad, state):
        products = self.__dict__.setdefault("m_schedules", {})
        self.m_schedule = products.get(index, 1.0)
        own(self, index, weight, grad, state)
        products[index] = self.m_schedule

    Nadam.update = update
