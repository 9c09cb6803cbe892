"""The updates that optimizers promise, in NumPy: weight, gradient, state and number of the update in; weight out."""

from __future__ import annotations

import numpy as np


def _sgd(w, g, s, t, lr=0.05):
    s["v"] = 0.9 * s.get("v", 0) - lr * (g + 0.01 * w)
    return w + s["v"]


def _nag(w, g, s, t, lr=0.05):
    s["v"] = 0.9 * s.get("v", 0) + g
    return w - lr * (g + 0.9 * s["v"])


def _adam(w, g, s, t, lr=0.05):
    g = g + 0.01 * w
    s["m"], s["v"] = 0.9 * s.get("m", 0) + 0.1 * g, 0.999 * s.get("v", 0) + 0.001 * g * g
    return w - lr * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * s["m"] / (np.sqrt(s["v"]) + 1e-8)


def _adagrad(w, g, s, t, lr=0.05):
    s["h"] = s.get("h", 0) + g * g
    return w - lr * g / np.sqrt(s["h"] + 1e-7)


def _rmsprop(w, g, s, t, lr=0.05):
    s["n"] = 0.9 * s.get("n", 0) + 0.1 * g * g
    return w - lr * g / np.sqrt(s["n"] + 1e-8)


def _adadelta(w, g, s, t):
    s["a"] = 0.9 * s.get("a", 0) + 0.1 * g * g
    step = np.sqrt(s.get("d", 0) + 1e-5) / np.sqrt(s["a"] + 1e-5) * g
    s["d"] = 0.9 * s.get("d", 0) + 0.1 * step * step
    return w - step


def _adamax(w, g, s, t, lr=0.05):
    s["m"], s["u"] = 0.9 * s.get("m", 0) + 0.1 * g, np.maximum(0.999 * s.get("u", 0), np.abs(g))
    return w - lr / (1 - 0.9**t) * s["m"] / s["u"]


def _nadam(w, g, s, t, lr=0.05):
    now, then = (0.9 * (1 - 0.5 * 0.96 ** (k * 0.004)) for k in (t, t + 1))
    s["p"] = s.get("p", 1) * now
    s["m"], s["v"] = 0.9 * s.get("m", 0) + 0.1 * g, 0.999 * s.get("v", 0) + 0.001 * g * g
    mean = (1 - now) * g / (1 - s["p"]) + then * s["m"] / (1 - s["p"] * then)
    return w - lr * mean / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8)


def _signum(w, g, s, t, lr=0.05):
    s["v"] = 0.9 * s.get("v", 0) - 0.1 * g
    return w + lr * np.sign(s["v"])


FORMULAS = {"sgd": _sgd, "nag": _nag, "adam": _adam, "adagrad": _adagrad, "rmsprop": _rmsprop, "adadelta": _adadelta, "adamax": _adamax, "nadam": _nadam, "signum": _signum}  # fmt: skip
