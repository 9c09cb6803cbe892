"""Postpones two imports of MXNet's start that hardly any program uses, and that take half of its time.

scikit-learn, for the base class of `mx.model.FeedForward` (mxnet/model.py:45), which is put in when the program itself
imports scikit-learn; SciPy's statistics, for a function of quantization and one for tests of random numbers
(mxnet/contrib/quantization.py:21, mxnet/test_utils.py:39).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

BASE = "sklearn.base"
STATISTICS = "scipy.stats"


class BaseEstimator:
    """Stands in the place of `sklearn.base.BaseEstimator`."""


class _Statistics(ModuleType):
    """Stands in the place of `scipy.stats`, and has what that has."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(STATISTICS), name)


@contextmanager
def postponed() -> Iterator[None]:
    """MXNet, imported within, takes stand-ins for what is installed and not imported yet."""
    if threading.active_count() > 1:  # another thread may import these meanwhile
        yield
        return
    stands: dict[str, ModuleType] = {}
    if _can_wait("sklearn"):
        stands |= {"sklearn": ModuleType("sklearn"), BASE: ModuleType(BASE)}
        stands[BASE].BaseEstimator = BaseEstimator
    if _can_wait(STATISTICS):
        stands[STATISTICS] = _Statistics(STATISTICS)
    sys.modules |= stands
    try:
        yield
    finally:
        for name in stands:
            del sys.modules[name]


def _can_wait(name: str) -> bool:
    package = name.partition(".")[0]
    return name not in sys.modules and importlib.util.find_spec(package) is not None


def arrived() -> None:
    """Make FeedForward what it is where scikit-learn, which has just been imported, came first."""
    model = sys.modules.get("mxnet.model")
    if getattr(getattr(model, "FeedForward", None), "__bases__", None) == (BaseEstimator,):
        real = sys.modules[BASE].BaseEstimator
        model.FeedForward.__bases__, model.BASE_ESTIMATOR, model.BaseEstimator = (real,), real, real
        super(model.FeedForward, model.FeedForward).__init_subclass__()
