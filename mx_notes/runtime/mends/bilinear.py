"""init.Bilinear of widths 2, 3, 6, 7, 10 …, and of kernels that are not square."""

from __future__ import annotations

import numpy

from ..opening import mxnet

FILE = "python/mxnet/initializer.py"


def apply() -> None:
    """Centre the filter."""

    def _init_weight(self, _, arr):
        rows, columns = (_profile(width) for width in arr.shape[2:])
        arr[:] = numpy.broadcast_to(numpy.outer(rows, columns), arr.shape).astype("float32")

    mxnet().init.Bilinear._init_weight = _init_weight


def _profile(width: int) -> numpy.ndarray:
    half = (width + 1) // 2
    return 1 - numpy.abs(numpy.arange(width) / half - (width - 1) / (2 * half))
