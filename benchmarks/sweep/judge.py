"""Hold a case's forward against NumPy and its backward against central differences, in every configuration."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from .case import NUMPY, ROADS, Case, evaluate
from .subjects import Leaves, executed, semantics

START, PASSES = 0.25, 2  # of buffers under 'add'
# Of float64, well above the differences' own error, of order step^4; of float32, rounding over some ten operations.
TOLERANCE = {"float64": 2e-5, "float32": 3e-3}
STEP = {"float64": 1e-3, "float32": 2e-2}
PRECISIONS = ("float64", "float32")


@dataclass(frozen=True)
class Wrong:
    """One comparison that failed: where, and by how much."""

    what: str  # "gradient", "forward"
    of: str  # the input whose gradient it is
    request: str  # write, add, write alone, add alone
    road: str
    precision: str
    got: float
    right: float
    error: float  # largest absolute error over the largest right value
    cures: dict[str, bool] = field(default_factory=dict)


@dataclass
class Verdict:
    """What became of a case in this process."""

    case: str
    operators: list[str] = field(default_factory=list)
    compared: int = 0
    refused: list[str] = field(default_factory=list)  # configurations that MXNet answers with an error
    wrong: list[Wrong] = field(default_factory=list)
    tried: dict[str, list[str]] = field(default_factory=dict)  # requests, roads, precisions

    def plain(self) -> dict:
        """As JSON has it."""
        return asdict(self)


def judge(
    case: Case, roads: Sequence[str] = ROADS, precisions: Sequence[str] = PRECISIONS, cures: bool = True
) -> Verdict:
    """Compare a case in this process's configuration."""
    verdict = Verdict(case.name)
    with semantics(case), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        truth = _truth(case)
        if isinstance(truth, str):
            verdict.refused.append(truth)
            return verdict
        verdict.operators = _operators(case)
        verdict.wrong += _forward(case, truth, verdict)
        for precision in precisions:
            for road in roads:
                if road not in _closed(case):
                    _backward(case, truth, road, precision, verdict)
        if cures:
            verdict.wrong = [replace(each, cures=_cures(case, truth, each)) for each in verdict.wrong]
    return verdict


def _closed(case: Case) -> tuple[str, ...]:
    """The roads that a case can't take: an executor has no backward in predict mode."""
    if case.kind == "layer":
        return ("executor", "nine uses")
    return ("executor",) if case.predict else ()


@dataclass(frozen=True)
class Truth:
    """Outputs of a case in float64 (float32 where an operator has no other), head gradients, and the derivative."""

    outputs: list[np.ndarray]
    heads: list[np.ndarray]
    derivative: dict[str, np.ndarray]
    noise: dict[str, float]  # of the derivative, relative: operators that round to float32 inside have some
    precision: str


def _truth(case: Case) -> Truth | str:
    """The derivative by central differences, or why there is none."""
    for precision in PRECISIONS:
        try:
            leaves = Leaves(case, precision, "imperative")
            outputs = [each.asnumpy() for each in leaves.outputs()]
            source = leaves if not case.stands_for else Leaves(case, precision, "imperative", case.stands_for)
            break
        except Exception as error:
            reason = _line(error)
    else:
        return reason
    if not outputs:
        return "no output is a floating-point number"
    if not all(np.isfinite(each).all() for each in outputs):
        return "not finite at these inputs"
    random = np.random.default_rng(11)
    heads = [random.uniform(0.5, 1.5, each.shape) * random.choice([-1, 1], each.shape) for each in outputs]
    weights = [np.ones(1)] if case.stands_for else heads
    derivative, noise = {}, {}
    try:
        for name in source.names:
            derivative[name], noise[name] = _differences(source, name, weights, STEP[precision])
    except Exception as error:
        return _line(error)
    if not all(np.isfinite(each).all() for each in derivative.values()):
        return "no finite differences at these inputs"
    return Truth(outputs, heads, derivative, noise, precision)


def _differences(
    leaves: Leaves, name: str, weights: list[np.ndarray], step: float
) -> tuple[np.ndarray, float]:
    """Central differences of fourth order of the weighted sum of the outputs, and how far two of second order differ."""
    at = leaves.value(name)
    near, far = np.zeros(at.shape), np.zeros(at.shape)
    for place in np.ndindex(*at.shape):
        for found, distance in ((near, step), (far, 2 * step)):
            sides = []
            for sign in (1, -1):
                moved = at.copy()
                moved[place] += sign * distance
                leaves.set(name, moved)
                outputs = [each.asnumpy().astype("float64") for each in leaves.outputs()]
                sides.append(sum(float((w * y).sum()) for w, y in zip(weights, outputs, strict=True)))
            found[place] = (sides[0] - sides[1]) / (2 * distance)
    leaves.set(name, at)
    apart = float(np.abs(near - far).max()) if near.size else 0.0
    return (4 * near - far) / 3, apart / _scale(near)


def _scale(right: np.ndarray) -> float:
    """What an error is relative to."""
    return max(float(np.abs(right).max(initial=0)), 1e-3)


def _requests(names: list[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    yield "write", dict.fromkeys(names, "write")
    yield "add", dict.fromkeys(names, "add")
    if len(names) > 1:
        for name in names:
            yield "write alone", {name: "write"}
            yield "add alone", {name: "add"}
    if len(names) > 2:
        for name in names:
            yield f"write without {name}", {other: "write" for other in names if other != name}


def _backward(case: Case, truth: Truth, road: str, precision: str, verdict: Verdict) -> None:
    for request, asked in _requests(list(truth.derivative)):
        try:
            got = _gradients(case, truth, road, precision, asked)
        except Exception as error:
            verdict.refused.append(f"{road}, {precision}, {request}: {_line(error)}")
            continue
        for key, value in (("requests", request), ("roads", road), ("precisions", precision)):
            if value not in verdict.tried.setdefault(key, []):
                verdict.tried[key].append(value)
        for name, found in got.items():
            right = _expected(truth, road, name, asked[name])
            verdict.compared += 1
            error = _difference(found, right, _tolerance(truth, precision, name))
            if error is not None:
                verdict.wrong.append(Wrong("gradient", name, request, road, precision, *error))


def _gradients(
    case: Case, truth: Truth, road: str, precision: str, asked: Mapping[str, str], text: str = ""
) -> dict[str, np.ndarray]:
    passes = PASSES if "add" in asked.values() else 1
    if road == "executor":
        return executed(case, precision, asked, truth.heads, passes, text)
    return Leaves(case, precision, road, text).gradients(asked, truth.heads, passes)


def _expected(truth: Truth, road: str, name: str, request: str) -> np.ndarray:
    once = truth.derivative[name] * (9 if road == "nine uses" else 1)
    return START + PASSES * once if request == "add" else once


def _tolerance(truth: Truth, precision: str, name: str = "") -> float:
    """How large a relative error is nothing to speak of; of the forward pass without a name."""
    least = TOLERANCE[precision] if truth.precision == "float64" else 2e-2
    return max(least, 3 * truth.noise.get(name, 0.0))


def _difference(got: np.ndarray, right: np.ndarray, tolerance: float) -> tuple[float, float, float] | None:
    """What was found and what is right at the worst place, and the relative error; None where all is well."""
    if got.size == 0:
        return None
    got, right = np.ravel(got).astype("float64"), np.ravel(right)
    apart = np.abs(got - right)
    apart[~np.isfinite(apart)] = np.inf
    worst = int(apart.argmax())
    error = float(apart[worst]) / _scale(right)
    return None if error <= tolerance else (float(got[worst]), float(right[worst]), error)


def _forward(case: Case, truth: Truth, verdict: Verdict) -> Iterator[Wrong]:
    """The forward pass: float64 against NumPy, float32 and the hybridised one against float64."""
    checks = []
    if case.like:
        inputs = case.values()
        try:
            with np.errstate(all="ignore"):
                right = [
                    np.asarray(each)
                    for each in evaluate(
                        case.like, NUMPY if case.kind == "np" else None, inputs, {**case.variables, **_SCIPY}
                    )
                ]
            right = [each for each in right if np.issubdtype(each.dtype, np.number)]
            checks.append((truth.precision, "imperative", truth.outputs, right))
        except Exception as error:
            verdict.refused.append(f"NumPy: {_line(error)}")
    for road in ("imperative", "hybridised"):
        try:
            found = [each.asnumpy() for each in Leaves(case, "float32", road).outputs()]
        except Exception as error:
            verdict.refused.append(f"forward, {road}, float32: {_line(error)}")
        else:
            checks.append(("float32", road, found, truth.outputs))
    for precision, road, found, right in checks:
        for one, other in zip(found, right, strict=False):
            verdict.compared += 1
            if one.shape != other.shape and not (case.kind == "nd" and one.size == other.size == 1):
                yield Wrong(
                    "forward", "shape", "", road, precision, float(one.ndim), float(other.ndim), float("inf")
                )
            elif error := _difference(one, other, _tolerance(truth, precision)):
                yield Wrong("forward", "", "", road, precision, *error)


def _cures(case: Case, truth: Truth, wrong: Wrong) -> dict[str, bool]:
    """Which other expressions are right in the configuration in which this one is wrong."""
    if wrong.what != "gradient" or case.kind == "layer":
        candidates = (
            {case.cure: case.cure} if case.cure and case.kind == "layer" and wrong.what == "gradient" else {}
        )
    else:
        candidates = {"x * 1": _behind_copies(case), **({case.cure: case.cure} if case.cure else {})}
    asked = (
        next(
            asked
            for request, asked in _requests(list(truth.derivative))
            if request == wrong.request and wrong.of in asked
        )
        if candidates
        else {}
    )
    found = {}
    for name, text in candidates.items():
        try:
            got = _gradients(case, truth, wrong.road, wrong.precision, asked, text)
        except Exception:
            found[name] = False
            continue
        right = _expected(truth, wrong.road, wrong.of, asked[wrong.of])
        found[name] = _difference(got[wrong.of], right, _tolerance(truth, wrong.precision, wrong.of)) is None
    return found


def _behind_copies(case: Case) -> str:
    """The expression with each input replaced by a copy."""
    names = ", ".join(case.inputs)
    copies = ", ".join(f"{name} * 1" for name in case.inputs)
    return f"(lambda {names}: {case.text})({copies})"


def _operators(case: Case) -> list[str]:
    """The operators of the case's graph by their names in MXNet's registry."""
    import json

    from mx_notes.runtime import mx

    try:
        if case.kind == "layer":
            leaves = Leaves(case, "float32", "imperative")
            symbol = leaves._block(*[mx.sym.Variable(name) for name in case.inputs])
            symbols = symbol if isinstance(symbol, (list, tuple)) else [symbol]
        else:
            variables = {name: mx.sym.Variable(name) for name in case.inputs}
            if case.kind == "np":
                variables = {name: each.as_np_ndarray() for name, each in variables.items()}
            symbols = evaluate(case.text, mx.sym, variables, case.variables)
        nodes = [node for symbol in symbols for node in json.loads(symbol.tojson())["nodes"]]
        return sorted({node["op"] for node in nodes} - {"null"})
    except Exception:
        return []


def _line(error: Exception) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()] or [""]
    return f"{type(error).__name__}: {lines[-1].strip()[:120]}"


try:
    import scipy.special

    _SCIPY = {"special": scipy.special}
except ImportError:  # it comes with scikit-learn
    _SCIPY = {}
