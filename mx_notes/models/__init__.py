"""Gluon image classifiers by name, with their loss, as the symbols that are trained."""

from .loss import logits_symbol, mean_cross_entropy
from .zoo import build, check, initializer, names, usual_shape

__all__ = ["build", "check", "initializer", "logits_symbol", "mean_cross_entropy", "names", "usual_shape"]
