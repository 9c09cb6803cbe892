"""What happens beside the training loop: one class per job, its methods named after moments of training.

fit(run, [Progress(), StopOnNonFinite(out), MetricsFile(out), Checkpoints(out)])
"""

from .checkpoint.saving import Checkpoints, SameParameters, StopOnNonFinite
from .training.reporting import MetricsFile, Progress, TensorBoard
from .training.run import Callback
from .training.signals import StopOnSignal

__all__ = [
    "Callback",
    "Checkpoints",
    "MetricsFile",
    "Progress",
    "SameParameters",
    "StopOnNonFinite",
    "StopOnSignal",
    "TensorBoard",
]
