"""What MXNet 1.9.1 and GluonCV 0.10.5 do otherwise on NumPy 1.24 to 2.x than on the NumPy of their day, mended.

A file for each kind names the places in MXNet that it mends. It says by `needed()` whether the NumPy that
is installed has the fault, by trying, and nothing is touched where it has not.
"""

from __future__ import annotations

import sys

from . import (
    array_protocol,
    center_net,
    metric_sums,
    numpy_seen,
    packed_records,
    pillow_names,
    scalar_sums,
    scalar_text,
    scipy_seen,
    single_values,
)

OF_MXNET = (
    scalar_text,
    metric_sums,
    scalar_sums,
    single_values,
    array_protocol,
    numpy_seen,
    scipy_seen,
    packed_records,
)
OF_GLUONCV = (center_net, pillow_names)
_done: set[str] = set()


def mend(package: str) -> None:
    """Mend `mxnet` or `gluoncv`, which has been imported; once. Another MXNet than 1.x is left alone."""
    mxnet = sys.modules.get("mxnet")
    if package in _done or not getattr(mxnet, "__version__", "").startswith("1."):
        return
    _done.add(package)
    for kind in OF_MXNET if package == "mxnet" else OF_GLUONCV:
        if kind.needed():
            kind.mend()
