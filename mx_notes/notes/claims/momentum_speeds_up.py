"""Test momentum: the two lines against MXNet bit for bit, how long steps become, and when that helps."""

from __future__ import annotations

import numpy as np

from ...runtime import mx
from ..claim import Claim, Evidence, Figure, Judgement, Setting, Table, Verdict
from ..lab import figures, small_networks, small_training, splits
from ..lab.intervals import difference
from ._momentum_bowls import MU, bowl, bowls_figure, bowls_table, descend, rate_drop, rate_drop_figure, step
from ._momentum_operator import bits, bits_table, limits, limits_table

CONDITIONS = (2, 10, 38, 100, 1000)  # of bowls: the largest curvature over the smallest
TARGET, WINDOW = 0.1, 10  # digits count as learned when the mean loss of 10 batches in a row falls below 0.1
EPOCHS = 20
RATES = {0.0: (0.1, 0.2, 0.5, 1.0), MU: (0.01, 0.02, 0.05, 0.1, 0.2)}
QUICK_RATES = {0.0: (0.1, 1.0), MU: (0.01, 0.1)}
RATE = 0.1  # of plain descent, compared with momentum at RATE and at RATE (1 - MU)

CLAIM = Claim(
    id="momentum",
    heading="momentum",
    order=1,
    quote="用来加速训练过程的",
    question="The same learning rate, with momentum 0.9 and without. Which learns in fewer steps, and why?",
    answers={
        Verdict.CONFIRMED: "With: it lengthens the steps that go the right way and shortens the others.",
        Verdict.CORRECTED: "With, but mostly because all its steps are longer, as if the rate were.",
        Verdict.REFUTED: "Without.",
    },
    statement=(
        "Momentum speeds training up: $v = \\mu v - \\eta\\, dw$, then $w = w + v$, with $v = 0$ at first and usually "
        "$\\mu = 0.9$. Where the last $v$ and the new negative gradient point the same way, the step gets larger and "
        "convergence faster; where they don't, the step gets smaller and convergence slower."
    ),
    method=(
        "The two lines in NumPy float32 run beside MXNet's operator and its SGD, bits compared. A constant and an "
        "alternating gradient show how long a step becomes. On digits each parameter's step is compared with the "
        "plain one, $\\eta\\,|dw|$, by whether $v$ and $-dw$ agreed. Steps to a goal are counted on quadratic bowls, "
        "and on digits over a grid of learning rates, with and without momentum. At a change of the rate, $\\eta$ "
        "inside $v$ (the note, MXNet) is held against $\\eta$ outside (PyTorch)."
    ),
    criterion=(
        f"Refuted if a bit of the weights differs from MXNet's without weight decay, or if at the same rate the 95% "
        f"interval of plain descent's steps over momentum's (digits, loss {TARGET:g}) is below 1; inconclusive if it "
        "holds 1. Corrected if more than 1% of the steps against $v$ are longer than the plain step, or if the "
        "steps at the same $\\eta / (1 - \\mu)$ agree within 10%, or if on a bowl plain descent needs fewer. Confirmed "
        "otherwise."
    ),
    shown=(step, descend),
)


def verdict(numbers: dict) -> Judgement:
    """Apply the criterion to the measured numbers."""
    speed, ways = numbers["speed"], numbers["directions"]
    same, effective, best = (
        speed[key] for key in ("same rate", f"same rate / (1 - μ) = {RATE}", "each at its best rate")
    )
    deciding = (
        f"At the same rate it takes {_short(same)} times as many steps without momentum; at ten times that rate, "
        f"{_short(effective)} times."
    )
    different = max(numbers["bits"][way]["share_different"] for way in ("sgd_mom_update", "optimizer.SGD"))
    agreement = (
        f"differ from MXNet's weights in {different:.1%} of them"
        if different
        else "give MXNet's weights, every bit"
    )
    drop = numbers["rate_drop"]
    reason = (
        f"The two lines {agreement}. At the same rate plain descent takes {_times(same)} the steps of momentum. After a "
        f"fall of the rate to a tenth the first step is {drop['times_at_drop']:.1f} times as long as with the rate "
        f"outside of v, and {drop['steps_until_within_10_percent']} steps pass until the two agree within 10%."
    )
    if different or same["high"] < 1:
        return Judgement(Verdict.REFUTED, deciding, reason)
    if same["low"] <= 1:
        return Judgement(Verdict.INCONCLUSIVE, deciding, reason)
    corrections = []
    if ways["oppose_longer"] > 0.01:
        corrections.append(
            f"Steps with $v$ are longer than the plain step ({ways['agree_longer']:.1%} of them), but steps against "
            f"it are not always shorter: {ways['oppose_longer']:.0%} are longer too, because they are shorter only "
            f"while $\\mu |v| < 2 \\eta |dw|$, and {ways['oppose_uphill']:.0%} go against the new gradient. Momentum "
            "overshoots."
        )
    if effective["low"] > 0.9 and effective["high"] < 1.1:
        corrections.append(
            f"On digits that gain is the one of a rate $1 / (1 - \\mu)$ times as large: plain descent at that rate takes "
            f"{_times(effective)} the steps. With each at its best rate it takes {_times(best)}."
        )
    slower = {c: b for c, b in numbers["bowls"].items() if b["momentum"] > b["plain"]}
    if slower:
        condition, found = next(iter(slower.items()))
        corrections.append(
            f"On a bowl of condition {condition} it is slower: {found['momentum']} steps against {found['plain']}, each at "
            f"its best rate. $\\mu = {MU}$ pays from condition {(1 + MU**0.5) / (1 - MU**0.5):.0f} on."
        )
    if not corrections:
        return Judgement(Verdict.CONFIRMED, deciding, reason)
    return Judgement(Verdict.CORRECTED, deciding, reason, " ".join(corrections))


def measure(setting: Setting) -> Evidence:
    """Measure each part in turn."""
    seeds = setting.seeds(5, quick=3)
    grid = QUICK_RATES if setting.quick else RATES
    learned = {(mu, rate): [steps_to_learn(s, mu, rate) for s in seeds] for mu in grid for rate in grid[mu]}
    numbers = {
        "bits": bits(setting.seed, 100 if setting.quick else 500),
        "limits": {str(mu): limits(mu) for mu in (0.5, 0.9, 0.99)},
        "directions": directions(setting.seed),
        "bowls": {str(condition): bowl(condition) for condition in CONDITIONS},
        "digits": [{"mu": mu, "rate": rate, "steps": steps} for (mu, rate), steps in learned.items()],
        "speed": {
            "same rate": _speed(learned[0.0, RATE], learned[MU, RATE]),
            **{
                f"same rate / (1 - μ) = {rate:g}": _speed(
                    learned[0.0, rate], learned[MU, round(rate * (1 - MU), 9)]
                )
                for rate in grid[0.0]
            },
            "each at its best rate": _speed(_at_best(learned, 0.0), _at_best(learned, MU)),
        },
        "rate_drop": rate_drop(),
    }
    return Evidence(
        **verdict(numbers)._asdict(),
        numbers=numbers,
        tables=[
            bits_table(numbers["bits"]),
            limits_table(numbers["limits"]),
            bowls_table(numbers["bowls"]),
            _speed_table(numbers["speed"]),
        ],
        figures=[
            _digits_figure(learned),
            bowls_figure(numbers["bowls"]),
            rate_drop_figure(numbers["rate_drop"]),
        ],
        sample=f"digits, {len(seeds)} seeds, {len(learned)} settings of {EPOCHS} epochs; bowls without chance",
    )


def directions(seed: int) -> dict[str, float]:
    """Compare each parameter's step in a training on digits with the plain step, rate times gradient.

    Returns shares: of the steps in which v and the negative gradient agree; of those that agree and of those
    that oppose, how many are longer than the plain step; of those that oppose, how many go against the gradient.
    """
    gradients, velocities = _watched_training(seed)
    before, plain, after = velocities[:-1], RATE * np.abs(gradients[1:]), velocities[1:]
    agree, oppose = (before * -gradients[1:] > 0), (before * -gradients[1:] < 0)
    longer, uphill = np.abs(after) > plain, after * gradients[1:] > 0
    return {
        "agree": float(agree.sum() / (agree | oppose).sum()),
        "agree_longer": float(longer[agree].mean()),
        "oppose_longer": float(longer[oppose].mean()),
        "oppose_uphill": float(uphill[oppose].mean()),
    }


def _watched_training(seed: int, steps: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Train a perceptron with MXNet's SGD; returns each step's gradient and velocity, (steps, parameters)."""
    mx.random.seed(seed)
    net = small_networks.perceptron(64)
    net.initialize(mx.init.Xavier())
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": RATE, "momentum": MU})
    gradients, velocities = [], []
    for images, labels in splits.digits(seed).batches(np.random.default_rng([seed, 10]), steps, 64):
        small_training.update(net, trainer, images, labels)
        states = trainer._updaters[0].states
        gradients.append(np.concatenate([p.grad().asnumpy().ravel() for p in trainer._params]))
        velocities.append(np.concatenate([states[i].asnumpy().ravel() for i in sorted(states)]))
    return np.array(gradients), np.array(velocities)


def steps_to_learn(seed: int, mu: float, rate: float) -> int:
    """Train on digits; returns the updates until the loss is below TARGET, or all of them if it never is."""
    net, split = small_networks.perceptron(64), splits.digits(seed)
    curve = small_training.train(net, split, epochs=EPOCHS, seed=seed, rate=rate, momentum=mu)
    return curve.steps_to(TARGET, WINDOW)


def _at_best(learned: dict[tuple[float, float], list[int]], mu: float) -> list[int]:
    """Take each seed's steps at the rate that is best for the other seeds, so that no seed chooses for itself."""
    steps = np.array([each for (own, _), each in learned.items() if own == mu], dtype=float)
    others = steps.sum(axis=1, keepdims=True) - steps
    return [int(steps[others[:, seed].argmin(), seed]) for seed in range(steps.shape[1])]


def _speed(plain: list[int], momentum: list[int]) -> dict[str, float]:
    """How many times as many steps plain descent takes: the geometric mean over seeds and its 95% interval."""
    times = difference(np.log(plain), np.log(momentum)).exp()
    return {"times": times.mean, "low": times.low, "high": times.high, "trials": times.trials}


def _short(speed: dict) -> str:
    return f"{speed['times']:.2f} [{speed['low']:.2f}, {speed['high']:.2f}]"


def _times(speed: dict) -> str:
    return f"{_short(speed)} times"


def _speed_table(speed: dict) -> Table:
    rows = [(what, found["times"], found["low"], found["high"]) for what, found in speed.items()]
    columns = ("compared at", "times", "from", "to")
    return Table("Digits: steps of plain descent for one of momentum's, with 95% interval", columns, rows)


def _digits_figure(learned: dict[tuple[float, float], list[int]]) -> Figure:
    drawing, (axes,) = figures.new()
    for index, mu in enumerate(sorted({mu for mu, _ in learned})):
        rates = [rate for own, rate in learned if own == mu]
        trials = np.array([learned[mu, rate] for rate in rates]).T
        label = f"μ = {mu:g}" if mu else "plain"
        figures.band(axes, [rate / (1 - mu) for rate in rates], trials, index, label)
    axes.set(
        xscale="log", yscale="log", xlabel="learning rate / (1 - μ)", ylabel=f"steps to a loss of {TARGET:g}"
    )
    axes.set_title("Digits: mostly a larger rate")
    figures.legend(axes)
    return Figure.of(
        drawing,
        "Updates until digits are learned, mean and 95% interval over seeds. Over the rate that momentum "
        "amounts to, the two lie on each other until the rates get large.",
    )
