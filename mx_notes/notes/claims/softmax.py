"""Test softmax: the worked example, the gradient by five roads, proportion to the scores, and the overflow."""

from __future__ import annotations

import numpy as np
from scipy import stats

from ...runtime import mx
from ..claim import Claim, Evidence, Figure, Judgement, Setting, Table, Verdict
from ..lab import figures

EXAMPLE, TRUE_CLASS = (1.0, 5.0, 3.0), 1  # the note's scores, and its right answer (the second)
PRINTED = {"probability": ("0.015", "0.866", "0.117"), "gradient": ("0.015", "-0.134", "0.117")}
ROUNDING = 1e-12  # float64, numbers of size 1, sums of 10: some hundred times the rounding of one operation
DIFFERENCES = 1e-8  # central differences at their best step: truncation and rounding of 1e-10, with a margin
CHANCE = 0.001  # even draws from the right probabilities fail the test once in a thousand runs
STEP = 1e-5  # of the central differences
HUGE = (1000.0, 999.0, 998.0)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Turn scores into probabilities along the last axis, in float64: $e^{x_i} / \\sum_j e^{x_j}$.

    Subtracting the largest score first leaves the quotient unchanged and keeps every exponential at 1 or below.
    """
    logits = np.asarray(logits, dtype=np.float64)
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def naive_softmax(logits: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """Compute the formula as it is written, in `dtype`: NaN where an exponential overflows or all of them vanish."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        exponentials = np.exp(np.asarray(logits, dtype=dtype))
        return exponentials / exponentials.sum(axis=-1, keepdims=True)


def loss(logits: np.ndarray, true_class: int) -> float:
    """Compute $-\\ln p$ of the true class from the scores (classes,), without forming a p that could be 0."""
    shifted = np.asarray(logits, dtype=np.float64) - np.max(logits)
    return float(np.log(np.exp(shifted).sum()) - shifted[true_class])


def gradient(logits: np.ndarray, true_class: int) -> np.ndarray:
    """Derive `loss` by each score (classes,): the probabilities, less 1 at the true class."""
    slope = softmax(logits)
    slope[true_class] -= 1
    return slope


def central_differences(logits: np.ndarray, true_class: int, step: float = STEP) -> np.ndarray:
    """Derive `loss` without any calculus: move each score a little, and see how the loss changes."""
    nudges = step * np.eye(len(logits))
    rises = [loss(logits + nudge, true_class) - loss(logits - nudge, true_class) for nudge in nudges]
    return np.array(rises) / (2 * step)


CLAIM = Claim(
    id="softmax",
    heading="softmax",
    order=1,
    quote="Softmax函数将向量等比例压缩到[0,1]之间",
    question="Double all the scores. What becomes of the probabilities?",
    answers={
        Verdict.CONFIRMED: "Nothing: they are in proportion to the scores.",
        Verdict.CORRECTED: "They move apart: only the scores' differences count.",
        Verdict.REFUTED: "They no longer sum to 1.",
    },
    statement=(
        "Softmax, $p_i = e^{x_i} / \\sum_j e^{x_j}$, scales scores proportionally into [0, 1] so that they sum to 1: "
        "each element can be drawn, with that probability. Its gradient is simple: the probabilities, less 1 at "
        "the true class. The scores [1, 5, 3] give [0.015, 0.866, 0.117], and [0.015, -0.134, 0.117] if the "
        "second is right."
    ),
    method=(
        "The worked example is computed to six digits. On random scores of 10 classes in float64 the gradient "
        "$p - y$ of the cross-entropy is held against MXNet's autograd (through log_softmax, and through the "
        "logarithm of softmax), its SoftmaxOutput, and central differences of the loss. MXNet draws from the "
        "example's probabilities. Proportion is tested by doubling the scores, by shifting them, and by the "
        "ratios of the outputs. Scores of 1000 go through the formula as written and with the largest subtracted."
    ),
    criterion=(
        "Refuted if on any input the sum is off 1, or a gradient by MXNet is off the formula, by more than "
        "$10^{-12}$ (by central differences $10^{-8}$), or if the draws fit with $P < 0.001$ (chi-square). "
        "Corrected if those hold, but doubling the scores changes an output by more than $10^{-12}$, or one of "
        "the 6 printed numbers is not the value rounded to its digits. Confirmed if all holds."
    ),
    shown=(softmax, gradient),
)


def verdict(numbers: dict) -> Judgement:
    """Apply the criterion to the measured numbers."""
    analytic = {name: off for name, off in numbers["gradients"].items() if name != "central differences"}
    worst, by_differences = max(analytic.values()), numbers["gradients"]["central differences"]
    chance = numbers["drawn"]["P"]
    deciding = f"Probabilities sum to 1 to within {numbers['sum_off_one']:.0e}, and gradients are right to within {worst:.0e}."
    holds = numbers["sum_off_one"] <= ROUNDING and worst <= ROUNDING and by_differences <= DIFFERENCES
    reason = (
        f"MXNet's gradients are off $p - y$ by at most {worst:.1e}, central differences by {by_differences:.1e}; "
        f"the draws fit with $P$ = {chance:.2g}."
    )
    if not holds or chance < CHANCE:
        return Judgement(Verdict.REFUTED, deciding, reason)
    wrong, change = numbers["printed_wrongly"], numbers["change_on_doubling"]
    corrections = []
    if change > ROUNDING:
        corrections.append(
            f"The outputs are not in proportion to the scores: doubling them changes an output by up to "
            f"{change:.2f}. What fixes a ratio of outputs is the difference of the scores, "
            f"$p_i / p_j = e^{{x_i - x_j}}$ (to {numbers['off_exponential_of_difference']:.0e}), so that adding 100 "
            f"to all changes nothing (to {numbers['change_on_shifting']:.0e})."
        )
    if wrong:
        corrections.append(f"Of the 6 printed numbers {len(wrong)} are not rounded: {', '.join(wrong)}.")
    if not corrections:
        return Judgement(Verdict.CONFIRMED, deciding, reason)
    deciding = (
        f"Doubling the scores changes a probability by up to {change:.2f}; of the 6 numbers worked out, {len(wrong)} "
        "are cut off, not rounded."
    )
    return Judgement(
        Verdict.CORRECTED, deciding, f"Formula and gradient hold. {reason}", " ".join(corrections)
    )


def measure(setting: Setting) -> Evidence:
    """Test each part."""
    samples, draws = (50, 20_000) if setting.quick else (500, 500_000)
    rng = np.random.default_rng([setting.seed, 3])
    logits, labels = rng.normal(0, 3, (samples, 10)), rng.integers(0, 10, samples)
    numbers = {
        "probabilities": softmax(EXAMPLE),
        "gradient": gradient(EXAMPLE, TRUE_CLASS),
        "loss": loss(EXAMPLE, TRUE_CLASS),
        "printed_wrongly": printed_wrongly(),
        "sum_off_one": float(np.abs(softmax(logits).sum(axis=1) - 1).max()),
        "gradients": gradient_differences(logits, labels),
        "change_on_doubling": float(np.abs(softmax(2 * logits) - softmax(logits)).max()),
        "change_on_shifting": float(np.abs(softmax(logits + 100) - softmax(logits)).max()),
        "off_exponential_of_difference": _ratio_error(logits),
        "drawn": _draws(setting.seed, draws),
        "overflow": _overflow(),
        "overflow_begins": {name: float(np.log(np.finfo(name).max)) for name in ("float32", "float64")},
    }
    return Evidence(
        **verdict(numbers)._asdict(),
        numbers=numbers,
        tables=[
            _example_table(),
            _gradients_table(numbers["gradients"]),
            _proportions_table(),
            _overflow_table(numbers),
        ],
        figures=[_proportions_figure(), _steps_figure(logits[0], labels[0])],
        sample=f"{samples} random score vectors of 10 classes, {draws:,} draws",
    )


def printed_wrongly() -> list[str]:
    """Find the note's printed numbers that are not the value rounded to their digits: "0.015 for 0.015876"."""
    exact = {"probability": softmax(EXAMPLE), "gradient": gradient(EXAMPLE, TRUE_CLASS)}
    return [
        f"{text} for {value:.6f}"
        for kind, texts in PRINTED.items()
        for text, value in zip(texts, exact[kind], strict=True)
        if not rounds_to(value, text)
    ]


def rounds_to(value: float, text: str) -> bool:
    """Whether `text` is `value` rounded to as many decimals as it has."""
    return f"{value:.{len(text.partition('.')[2])}f}" == text


def gradient_differences(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Find how far each other road is from `gradient` at most, over scores (N, classes) in float64."""
    formula = np.array([gradient(x, y) for x, y in zip(logits, labels, strict=True)])
    by_hand = np.array([central_differences(x, y) for x, y in zip(logits, labels, strict=True)])
    roads = {
        "autograd, log_softmax": lambda x, y: -mx.nd.pick(mx.nd.log_softmax(x), y),
        "autograd, log of softmax": lambda x, y: -mx.nd.log(mx.nd.pick(mx.nd.softmax(x), y)),
        "SoftmaxOutput": mx.nd.SoftmaxOutput,
    }
    found = {name: _gradient_in_mxnet(road, logits, labels) for name, road in roads.items()}
    return {name: float(np.abs(g - formula).max()) for name, g in found.items()} | {
        "central differences": float(np.abs(by_hand - formula).max())
    }


def _gradient_in_mxnet(head, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    x, y = (mx.nd.array(values, dtype="float64") for values in (logits, labels))
    x.attach_grad()
    with mx.autograd.record():
        output = head(x, y)
    output.backward()
    return x.grad.asnumpy()


def _ratio_error(logits: np.ndarray) -> float:
    """How far the ratio of two outputs is, relatively, from e to the power of their scores' difference."""
    p = softmax(logits)
    ratios = p[:, :-1] / p[:, 1:]
    return float(np.abs(ratios / np.exp(logits[:, :-1] - logits[:, 1:]) - 1).max())


def _draws(seed: int, number: int) -> dict:
    mx.random.seed(seed)
    p = softmax(EXAMPLE)
    drawn = mx.nd.random.multinomial(mx.nd.array(p), shape=number).asnumpy()
    counts = np.bincount(drawn, minlength=len(p))
    return {"counts": counts, "P": float(stats.chisquare(counts, number * p).pvalue)}


def _overflow() -> dict[str, list[list[float] | None]]:
    """Ask each road for the softmax of scores near 1000 and near -1000; an answer with a NaN becomes None."""
    roads = {
        "as written, NumPy float32": naive_softmax,
        "as written, NumPy float64": lambda x: naive_softmax(x, np.float64),
        "as written, MXNet float32": lambda x: _written_in_mxnet(mx.nd.array(x)).asnumpy(),
        "largest subtracted": softmax,
        "mx.nd.softmax, float32": lambda x: mx.nd.softmax(mx.nd.array(x)).asnumpy(),
    }
    answers = {name: [road(np.multiply(sign, HUGE)) for sign in (1, -1)] for name, road in roads.items()}
    return {
        name: [answer.tolist() if np.isfinite(answer).all() else None for answer in both]
        for name, both in answers.items()
    }


def _written_in_mxnet(x: mx.nd.NDArray) -> mx.nd.NDArray:
    return mx.nd.exp(x) / mx.nd.exp(x).sum()


def _example_table() -> Table:
    rows = [
        (f"{score:g}", f"{p:.6f}", in_note, f"{slope:.6f}", slope_in_note)
        for score, p, in_note, slope, slope_in_note in zip(
            EXAMPLE,
            softmax(EXAMPLE),
            PRINTED["probability"],
            gradient(EXAMPLE, TRUE_CLASS),
            PRINTED["gradient"],
            strict=True,
        )
    ]
    columns = ("score", "probability", "in the note", "gradient", "in the note")
    return Table("The worked example; the second class is the true one", columns, rows)


def _gradients_table(gradients: dict[str, float]) -> Table:
    limits = {"central differences": DIFFERENCES}
    rows = [(name, f"{off:.1e}", f"{limits.get(name, ROUNDING):.0e}") for name, off in gradients.items()]
    return Table("Gradients against $p - y$, float64", ("computed by", "largest difference", "limit"), rows)


def _proportions_table() -> Table:
    x = np.array(EXAMPLE)
    cases = {
        "x = [1, 5, 3]": softmax(x),
        "2 x": softmax(2 * x),
        "x + 100": softmax(x + 100),
        "in proportion: x / 9": x / x.sum(),
    }
    rows = [(name, *(f"{value:.4f}" for value in p), f"{p[1] / p[0]:.1f}") for name, p in cases.items()]
    columns = ("softmax of", "first", "second", "third", "second / first")
    return Table("What doubling and shifting the scores do", columns, rows)


def _overflow_table(numbers: dict) -> Table:
    rows = [
        (name, *("NaN" if p is None else ", ".join(f"{value:.4f}" for value in p) for p in answers))
        for name, answers in numbers["overflow"].items()
    ]
    begins = numbers["overflow_begins"]
    caption = (
        f"Very large and very small scores. $e^x$ overflows above {begins['float32']:.2f} in float32 and above "
        f"{begins['float64']:.2f} in float64."
    )
    return Table(caption, ("computed", "of 1000, 999, 998", "of -1000, -999, -998"), rows)


def _proportions_figure() -> Figure:
    drawing, (axes,) = figures.new()
    scales = np.linspace(0, 2, 81)
    p = softmax(scales[:, None] * np.array(EXAMPLE))
    for index, score in enumerate(EXAMPLE):
        colour = figures.COLOURS[index]
        axes.plot(scales, p[:, index], color=colour, label=f"score {score:g}")
        axes.axhline(score / sum(EXAMPLE), color=colour, ls=":", lw=1.5)
    axes.axvline(1, color=figures.INK, lw=1)
    axes.set(xlabel="factor on the scores [1, 5, 3]", ylabel="probability")
    figures.legend_above(axes, columns=3)
    return Figure.of(
        drawing,
        "Softmax of the example's scores times a factor. Were it in proportion, each line would be flat (dotted); "
        "it goes from all alike to all for the largest.",
    )


def _steps_figure(logits: np.ndarray, label: int) -> Figure:
    steps = np.logspace(-11, 0, 45)
    formula = gradient(logits, label)
    errors = [np.abs(central_differences(logits, label, step) - formula).max() for step in steps]
    drawing, (axes,) = figures.new()
    axes.loglog(steps, errors, color=figures.COLOURS[0], marker="o", ms=3)
    axes.axvline(STEP, color=figures.INK, ls="--", lw=1)
    axes.set(xlabel="step of the central difference", ylabel="largest difference from $p - y$")
    axes.set_title("Checking a gradient without calculus")
    return Figure.of(
        drawing,
        "A large step misses the curvature (error ∝ step²), a small one drowns in rounding (∝ 1 / step); the "
        "test uses the step at the dashed line.",
    )
