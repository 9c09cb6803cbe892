"""gluon.loss.PoissonNLLLoss(compute_full=True) with a count of 0, which gives NaN."""

from __future__ import annotations

from typing import Any

from ..opening import mxnet

FILE = "python/mxnet/gluon/loss.py"


def apply() -> None:
    """Leave Stirling's term out where the count is at most 1 before its logarithm is taken."""
    Loss = mxnet().gluon.loss.PoissonNLLLoss
    own = Loss.hybrid_forward

    def hybrid_forward(self, F, pred, target, sample_weight=None, epsilon=1e-08):
        if not self._compute_full:
            return own(self, F, pred, target, sample_weight, epsilon)
        return F.mean(_each(self, F, pred, target, sample_weight, epsilon))

    Loss.hybrid_forward = hybrid_forward


def _each(loss: Any, F: Any, pred: Any, target: Any, sample_weight: Any, epsilon: float) -> Any:
    from mxnet.gluon.loss import _apply_weighting, _reshape_like

    target = _reshape_like(F, target, pred)
    found = F.exp(pred) - target * pred if loss._from_logits else pred - target * F.log(pred + epsilon)
    many = target > 1
    count = target * many + (1 - many)
    stirling = count * F.log(count) - count + 0.5 * F.log(count * (2 * 3.141592653589793))
    return _apply_weighting(F, found + stirling * many, loss._weight, sample_weight)
