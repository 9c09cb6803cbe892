"""Sums of metrics in double precision.

A metric adds what `asscalar()` or `numpy.sum` gave, a NumPy scalar of the network's precision, to a sum that
begins as Python's 0.0 (mxnet/metric.py:149, 1038, 1135, 1199, 1263, 1336, 1408, 1687). Up to NumPy 1.26 the
result is a float64. From 2.0 on Python's number gives way, and the sum stays float32, or float16, which
overflows at 65504: 50 batches of `Loss` are then infinite.
"""

from __future__ import annotations

import numpy as np

SUMS = ("sum_metric", "num_inst", "global_sum_metric", "global_num_inst")


def needed() -> bool:
    """Whether a Python number gives way to a scalar's precision."""
    return type(0.0 + np.float32(0)) is np.float32


def mend() -> None:
    """Widen the sums of every metric, the program's own subclasses included."""
    from mxnet import metric

    for name in SUMS:
        setattr(metric.EvalMetric, name, _Sum(name))
    update = metric.Perplexity.update

    def pair_by_pair(self, labels, preds):
        # Perplexity adds up the pairs of one call in a variable of its own before it adds to the sum.
        pairs = zip(labels, preds, strict=True) if len(labels) == len(preds) > 1 else [(labels, preds)]
        for label, pred in pairs:
            update(self, [label] if labels is not label else label, [pred] if preds is not pred else pred)

    metric.Perplexity.update = pair_by_pair


class _Sum:
    """An attribute that keeps a NumPy scalar in 64 bits. A sum begins at 0, so that its first addition is exact."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, metric: object, owner: type) -> object:
        if metric is None:
            return self
        try:
            return metric.__dict__[self._name]
        except KeyError:
            message = f"{type(metric).__name__!r} object has no attribute {self._name!r}"
            raise AttributeError(message) from None

    def __set__(self, metric: object, value: object) -> None:
        if isinstance(value, np.floating):
            value = np.float64(value)
        elif isinstance(value, np.integer):
            value = np.int64(value)
        metric.__dict__[self._name] = value

    def __delete__(self, metric: object) -> None:
        del metric.__dict__[self._name]
