"""Gluon image classifiers by name, with their loss, as the symbols that are trained."""

from .zoo import build, check, initializer, logits_symbol, mean_cross_entropy, names, usual_shape

__all__ = ["build", "check", "initializer", "logits_symbol", "mean_cross_entropy", "names", "usual_shape"]
