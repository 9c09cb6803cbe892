"""Run MXNet's fused momentum operator beside the note's two lines: bit for bit, and until its steps stop growing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...runtime import mx
from ..claim import Table
from ._momentum_bowls import MU, step

DECAY = 5e-4


def bits(seed: int, steps: int) -> dict[str, dict[str, float]]:
    """Compare the weights after the steps with the two lines' in NumPy float32, for each way of MXNet's."""

    def operator(weight, gradient, velocity, rate, decay):
        mx.nd.sgd_mom_update(weight, gradient, velocity, out=weight, lr=rate, momentum=MU, wd=decay)

    def sgd(weight, gradient, velocity, rate, decay):
        optimizer = mx.optimizer.SGD(learning_rate=rate, momentum=MU, wd=decay)
        optimizer.update(0, weight, gradient, velocity)

    def folded(weight, velocity, gradient, rate, decay):
        return step(weight, velocity, gradient + decay * weight, rate, np.float32(MU))

    def as_mxnet(weight, velocity, gradient, rate, decay):  # SGDMomKernel, src/operator/optimizer_op-inl.h
        velocity = np.float32(MU) * velocity - rate * decay * weight - rate * gradient
        return weight + velocity, velocity

    return {
        "sgd_mom_update": _compare(seed, steps, folded, operator, 0.0),
        "optimizer.SGD": _compare(seed, steps, folded, sgd, 0.0),
        "SGD with weight decay in dw": _compare(seed, steps, folded, sgd, DECAY),
        "the same in MXNet's order": _compare(seed, steps, as_mxnet, sgd, DECAY),
    }


def _compare(seed: int, steps: int, ours: Callable, theirs: Callable, decay: float) -> dict[str, float]:
    """Give the share of 10,000 weights whose bits differ after the steps, and the largest difference."""
    rng = np.random.default_rng([seed, 9])
    weight = rng.normal(size=10_000).astype(np.float32)
    velocity = np.zeros_like(weight)
    in_mxnet = [mx.nd.array(weight), mx.nd.array(velocity)]
    for number in range(steps):
        gradient = rng.normal(size=weight.shape).astype(np.float32)
        rate = 0.1 if number < steps / 2 else 0.01  # a change of the rate must not matter either
        weight, velocity = ours(weight, velocity, gradient, np.float32(rate), np.float32(decay))
        theirs(in_mxnet[0], mx.nd.array(gradient), in_mxnet[1], rate, decay)
    result = in_mxnet[0].asnumpy()
    return {
        "share_different": float(np.mean(result.view(np.int32) != weight.view(np.int32))),
        "largest_difference": float(np.abs(result - weight).max()),
    }


def limits(mu: float) -> dict[str, float]:
    """Measure how long MXNet's steps become, in units of rate times gradient: constant and alternating gradient."""
    found = {}
    for kind, sign in (("constant", 1), ("alternating", -1)):
        weight, velocity = mx.nd.zeros(1), mx.nd.zeros(1)
        for number in range(int(20 / (1 - mu))):
            gradient = mx.nd.array([float(sign**number)])
            mx.nd.sgd_mom_update(weight, gradient, velocity, out=weight, lr=0.5, momentum=mu)
        found[kind] = abs(float(velocity.asscalar())) / 0.5
    return found


def bits_table(found_by_way: dict) -> Table:
    """Show how far the two lines are from MXNet."""
    rows = [
        (way, f"{found['share_different']:.2%}", f"{found['largest_difference']:.1e}")
        for way, found in found_by_way.items()
    ]
    columns = ("MXNet's", "weights with other bits", "largest difference")
    return Table("The two lines in NumPy float32 beside MXNet, the rate falling half-way", columns, rows)


def limits_table(found_by_mu: dict) -> Table:
    """Show the lengths beside their limits in theory."""
    rows = [
        (f"{float(mu):g}", found["constant"], 1 / (1 - float(mu)), found["alternating"], 1 / (1 + float(mu)))
        for mu, found in found_by_mu.items()
    ]
    columns = ("$\\mu$", "constant", "$1 / (1 - \\mu)$", "alternating", "$1 / (1 + \\mu)$")
    return Table("MXNet's steps under such a gradient, in units of $\\eta\\,|dw|$, in the end", columns, rows)
