"""A case: an expression that calls MXNet, its inputs, and what is known to be right.

The expression is text, so that one line is the code, the name and the row of the report:

    nd("F.clip(x, -1, 1)", x=reals(3, 4), like="np.clip(x, -1, 1)")
    np_("np.var(x, axis=1)", x=reals(3, 4))       # NumPy evaluates the same text
    layer("nn.Dense(3, in_units=4)", x=reals(2, 4))

Inputs made by `fixed` (labels, indices) get no gradient.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Input:
    """How an input is made. values: of the random generator of the case; None: the fixed array."""

    make: Callable[[np.random.Generator], np.ndarray]
    differentiable: bool = True


def reals(*shape: int) -> Input:
    """Distinct numbers of both signs, none near 0 or near another, so that a kink is not met by a small step."""
    return Input(lambda random: _spread(random, -1.9, 2.1, shape))


def positive(*shape: int, low: float = 0.3, high: float = 0.9) -> Input:
    """Distinct numbers between two positive ones."""
    return Input(lambda random: _spread(random, low, high, shape))


def definite(n: int) -> Input:
    """A symmetric positive definite matrix with distinct eigenvalues."""

    def make(random: np.random.Generator) -> np.ndarray:
        half = random.normal(size=(n, n))
        return half @ half.T + np.diag(np.arange(3.0, 3 + 3 * n, 3))

    return Input(make)


def lower(n: int) -> Input:
    """A lower triangular matrix with a positive diagonal."""
    return Input(lambda random: np.tril(random.normal(size=(n, n))) + 3 * np.eye(n))


def fixed(values: Any) -> Input:
    """An input without a gradient."""
    return Input(lambda random: np.asarray(values, dtype=float), differentiable=False)


def exactly(values: Any) -> Input:
    """An input with a gradient, of these values."""
    return Input(lambda random: np.array(values, dtype=float))


def _spread(random: np.random.Generator, low: float, high: float, shape: tuple[int, ...]) -> np.ndarray:
    size = int(np.prod(shape))
    values = np.linspace(low, high, size + 1)[1:] if size else np.zeros(0)
    values = np.where(np.abs(values) < 0.05, values + 0.06, values)
    return random.permutation(values).reshape(shape)


@dataclass(frozen=True)
class Case:
    """See the module. stands_for: what a loss operator's gradient is the derivative of, the head gradient aside."""

    text: str
    inputs: dict[str, Input]
    kind: str  # nd, np or layer
    like: str = ""
    stands_for: str = ""
    cure: str = ""  # an expression that is right where this one is wrong
    predict: bool = False  # backward in predict mode
    variables: dict[str, Any] = field(default_factory=dict)  # what the texts may name besides
    note: str = ""

    @property
    def name(self) -> str:
        """The expression, with what distinguishes it."""
        shapes = [
            f"{name} {' × '.join(map(str, value.shape)) or 'scalar'}" for name, value in self.values().items()
        ]
        return f"{self.text}: {', '.join([*shapes, *(['predict mode'] if self.predict else []), *([self.note] if self.note else [])])}"

    def values(self) -> dict[str, np.ndarray]:
        """The inputs, the same in every process."""
        random = np.random.default_rng(zlib.crc32(self.text.encode()))
        return {name: each.make(random) for name, each in self.inputs.items()}

    @property
    def differentiable(self) -> list[str]:
        """The inputs that get a gradient."""
        return [name for name, each in self.inputs.items() if each.differentiable]


def evaluate(text: str, F: Any, inputs: dict[str, Any], variables: dict[str, Any]) -> list[Any]:
    """The outputs of an expression; F is mx.nd, mx.sym, or None for NumPy."""
    names = {"F": F, "np": np if F is None else F.np, "npx": getattr(F, "npx", None), **variables, **inputs}
    outputs = eval(text, names)
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def nd(
    text: str, like: str = "", stands_for: str = "", cure: str = "", predict: bool = False, **inputs: Input
) -> Case:
    """A case of mx.nd and mx.sym, which the text calls F."""
    return Case(text, inputs, "nd", like, stands_for, cure, predict)


def np_(text: str, cure: str = "", like: str | None = None, **inputs: Input) -> Case:
    """A case of mx.np, which the text calls np; NumPy's forward is the same text."""
    return Case(text, inputs, "np", text if like is None else like, "", cure)


def layer(text: str, cure: str = "", like: str = "", predict: bool = False, **inputs: Input) -> Case:
    """A Gluon block, whose parameters are inputs, too."""
    return Case(text, inputs, "layer", like, "", cure, predict)


ROADS = ("imperative", "hybridised", "static", "executor", "nine uses")
NUMPY = SimpleNamespace(np=np)
