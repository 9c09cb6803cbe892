"""Descent with momentum: the note's two lines, and what they do where everything is known: on bowls and slopes."""

from __future__ import annotations

import numpy as np

MU = 0.9
BOWL, START = (1.0, 25.0), (-8.0, 2.0)  # f(x, y) = (x² + 25 y²) / 2, and where the paths on it begin
NEAR = 1e-6  # of the first distance: where a bowl counts as descended

Numbers = float | np.ndarray


def step(
    weight: Numbers, velocity: Numbers, gradient: Numbers, rate: float, mu: float
) -> tuple[Numbers, Numbers]:
    """The note's two lines, on numbers or arrays: the weight and the velocity after a step."""
    velocity = mu * velocity - rate * gradient
    weight = weight + velocity
    return weight, velocity


def step_outside(
    weight: Numbers, velocity: Numbers, gradient: Numbers, rate: float, mu: float
) -> tuple[Numbers, Numbers]:
    """The same as PyTorch's SGD has it: the learning rate is not in the velocity, but in front of it."""
    velocity = mu * velocity + gradient
    weight = weight - rate * velocity
    return weight, velocity


def descend(mu: float, rate: float, steps: int) -> np.ndarray:
    """The path (steps + 1, 2) down the bowl $(x^2 + 25 y^2) / 2$ from (-8, 2), with no velocity at first."""
    return _path(np.array(BOWL), np.array(START), mu, rate, steps)


def _path(curvatures: np.ndarray, start: np.ndarray, mu: float, rate: float, steps: int) -> np.ndarray:
    path, velocity = [start], np.zeros(len(start))
    for _ in range(steps):
        point, velocity = step(path[-1], velocity, curvatures * path[-1], rate, mu)
        path.append(point)
    return np.array(path)


def bowl(condition: float) -> dict[str, float]:
    """Steps to NEAR on a bowl of this condition, and in theory: plain, with μ = 0.9, with the μ best in the end.

    condition: the largest curvature over the smallest. The rates, each the best for its μ, and the factors by
    which the distance falls in a step are those of Polyak 1964; Goh 2017, "Why Momentum Really Works", Distill.
    """
    root = np.sqrt(condition)
    best = ((root - 1) / (root + 1)) ** 2
    ways = {
        "plain": (0.0, 2 / (1 + condition), (condition - 1) / (condition + 1)),
        "momentum": (MU, (1 - MU) / root, np.sqrt(MU)),
        "best": (best, (2 / (1 + root)) ** 2, np.sqrt(best)),
    }
    found: dict[str, float] = {"best_mu": float(best)}
    for name, (mu, rate, factor) in ways.items():
        in_theory = float(np.log(NEAR) / np.log(factor))
        path = _path(np.array([1.0, condition]), np.ones(2), mu, rate, steps=int(2 * in_theory) + 10)
        distances = np.linalg.norm(path, axis=1)
        found[name] = int(np.flatnonzero(distances > NEAR * distances[0])[-1]) + 1
        found[f"{name}_theory"] = in_theory
    return found


def rate_drop(before: float = 0.1, after: float = 0.01, at: int = 100, steps: int = 160) -> dict:
    """Steps under a gradient of 1, the rate falling after `at` of them, with the rate inside and outside of v."""
    lengths = {}
    for name, way in (("inside", step), ("outside", step_outside)):
        path, velocity = [0.0], 0.0
        for number in range(steps):
            rate = before if number < at else after
            point, velocity = way(path[-1], velocity, 1.0, rate, MU)
            path.append(point)
        lengths[name] = np.abs(np.diff(path))
    inside, outside = lengths.values()
    return {
        "at": at,
        "after": after,
        "off_before": float(np.abs(inside / outside - 1)[:at].max()),
        "times_at_drop": float(inside[at] / outside[at]),
        "steps_until_within_10_percent": int(np.argmax(inside[at:] < 1.1 * outside[at:])),
        "inside": inside.tolist(),
        "outside": outside.tolist(),
    }
