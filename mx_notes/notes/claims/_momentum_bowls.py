"""Descend with the note's two lines of momentum where theory knows the answer: on quadratic bowls and slopes."""

from __future__ import annotations

import numpy as np

from ..claim import Figure, Table
from ..lab import figures

MU = 0.9
BOWL, START = (1.0, 25.0), (-8.0, 2.0)  # f(x, y) = (x² + 25 y²) / 2, and where the paths on it begin
NEAR = 1e-6  # of the first distance: so near the bottom, a bowl counts as descended

Numbers = float | np.ndarray


def step(
    weight: Numbers, velocity: Numbers, gradient: Numbers, rate: float, mu: float
) -> tuple[Numbers, Numbers]:
    """Apply the note's two lines to numbers or arrays; returns the weight and the velocity after the step."""
    velocity = mu * velocity - rate * gradient
    weight = weight + velocity
    return weight, velocity


def step_outside(
    weight: Numbers, velocity: Numbers, gradient: Numbers, rate: float, mu: float
) -> tuple[Numbers, Numbers]:
    """Step as PyTorch's SGD does: the learning rate stands in front of the velocity, not inside it."""
    velocity = mu * velocity + gradient
    weight = weight - rate * velocity
    return weight, velocity


def descend(mu: float, rate: float, steps: int) -> np.ndarray:
    """Follow the path (steps + 1, 2) down the bowl $(x^2 + 25 y^2) / 2$ from (-8, 2), with no velocity at first."""
    return _path(np.array(BOWL), np.array(START), mu, rate, steps)


def _path(curvatures: np.ndarray, start: np.ndarray, mu: float, rate: float, steps: int) -> np.ndarray:
    path, velocity = [start], np.zeros(len(start))
    for _ in range(steps):
        point, velocity = step(path[-1], velocity, curvatures * path[-1], rate, mu)
        path.append(point)
    return np.array(path)


def bowl(condition: float) -> dict[str, float]:
    """Count the steps to NEAR on a bowl, and in theory: plain, with μ = 0.9, and with the μ that is best in the end.

    condition: the largest curvature over the smallest. The rates, each the best for its μ, and the factors by
    which the distance falls in a step: Polyak 1964; Goh 2017, "Why Momentum Really Works", Distill.
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
    """Step `steps` times under a gradient of 1, with the rate inside and outside of v; it falls after `at` steps."""
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
        "inside": inside,
        "outside": outside,
    }


def bowls_table(bowls: dict) -> Table:
    """Show the steps beside theory, by condition."""
    rows = [
        (
            int(condition),
            *(f"{found[way]} ({found[f'{way}_theory']:.0f})" for way in ("plain", "momentum", "best")),
            found["best_mu"],
        )
        for condition, found in bowls.items()
    ]
    columns = ("condition", "plain", f"$\\mu = {MU}$", "Polyak's $\\mu$", "which is")
    caption = (
        f"Steps to {NEAR:.0e} of the distance on quadratic bowls, and in theory; rates the best for each"
    )
    return Table(caption, columns, rows)


def bowls_figure(bowls: dict) -> Figure:
    """Draw the steps beside theory, against the condition."""
    drawing, (axes,) = figures.new()
    conditions = [int(condition) for condition in bowls]
    labels = {"plain": "plain, best rate", "momentum": f"μ = {MU}", "best": "Polyak's μ and rate"}
    for index, (way, label) in enumerate(labels.items()):
        colour, found = figures.COLOURS[index], bowls.values()
        axes.loglog(
            conditions, [each[way] for each in found], figures.MARKERS[index], color=colour, label=label
        )
        axes.loglog(conditions, [each[f"{way}_theory"] for each in found], ":", color=colour)
    axes.set(xlabel="condition of the bowl (largest / smallest curvature)", ylabel="steps to $10^{-6}$")
    axes.set_title("The narrower the valley, the more it helps")
    figures.legend(axes)
    return Figure.of(
        drawing,
        "Steps down a quadratic bowl, measured (marks) and in theory (dotted). Plain descent needs steps in "
        "proportion to the condition, Polyak's momentum to its root (and some more, for its roots are double); μ = 0.9 "
        "loses on round bowls.",
    )


def rate_drop_figure(drop: dict) -> Figure:
    """Draw the steps around the fall of the rate."""
    drawing, (axes,) = figures.new()
    steps = np.arange(len(drop["inside"])) - drop["at"]
    for index, (name, who) in enumerate({"inside": "the note, MXNet", "outside": "PyTorch"}.items()):
        style = "-" if index == 0 else "--"
        axes.semilogy(steps, drop[name], style, color=figures.COLOURS[index], label=f"rate {name} v: {who}")
    axes.set(xlabel="steps after the rate fell to a tenth", ylabel="length of the step (units of $dw$)")
    axes.set_title("Where the rate stands matters when it falls")
    figures.legend(axes)
    return Figure.of(
        drawing,
        "Steps under a constant gradient. With the rate inside, v still holds the old rate's steps and lets go of "
        "them by μ a step; outside, the step falls at once.",
    )
