"""CenterNet's targets from class numbers of the shape (N, 1).

gluoncv/model_zoo/center_net/target_generator.py:41 says `int(cid)` of each row, an array of one value. NumPy
1.25 warns of it, later ones refuse it.
"""

from __future__ import annotations

import numpy as np

from .single_values import needed

__all__ = ["mend", "needed"]


def mend() -> None:
    """Give the generator numbers instead of rows."""
    from gluoncv.model_zoo.center_net.target_generator import CenterNetTargetGenerator

    forward = CenterNetTargetGenerator.forward
    CenterNetTargetGenerator.forward = lambda self, gt_boxes, gt_ids: forward(
        self, gt_boxes, np.ravel(gt_ids)
    )
