"""metric.MAE, MSE and RMSE over batches of different sizes: each element counts the same, RMSE is one root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from ..opening import mxnet

FILE = "python/mxnet/metric.py"


def apply() -> None:
    """Add up elements instead of batches' means."""
    metric = mxnet().metric
    metric.MAE.update = _adding(numpy.abs)
    metric.MSE.update = metric.RMSE.update = _adding(numpy.square)
    for name in ("get", "get_global"):
        setattr(metric.RMSE, name, _rooted(getattr(metric.EvalMetric, name)))


def _adding(error: Callable[[numpy.ndarray], numpy.ndarray]) -> Callable[..., None]:
    def update(self: Any, labels: Any, preds: Any) -> None:
        labels, preds = mxnet().metric.check_label_shapes(labels, preds, True)
        for label, pred in zip(labels, preds, strict=True):
            label, pred = (_column(each.asnumpy()) for each in (label, pred))
            found = error(label - pred)
            total = float(found.sum(dtype="float64"))
            self.sum_metric += total
            self.global_sum_metric += total
            self.num_inst += found.size
            self.global_num_inst += found.size

    return update


def _column(values: numpy.ndarray) -> numpy.ndarray:
    return values.reshape(-1, 1) if values.ndim == 1 else values


def _rooted(own: Callable[[Any], tuple[str, float]]) -> Callable[[Any], tuple[str, float]]:
    def get(self: Any) -> tuple[str, float]:
        name, mean = own(self)
        return name, float(numpy.sqrt(mean))

    return get
