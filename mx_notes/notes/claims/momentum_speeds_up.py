"""Momentum: the two lines against MXNet bit for bit, how far they carry, and when they help."""

from __future__ import annotations

import numpy as np

from ...runtime import mx
from ..claim import Claim, Evidence, Figure, Setting, Table, Verdict
from ..lab import figures, fused, small
from ..lab.descent import MU, NEAR, bowl, descend, rate_drop, step
from ..lab.intervals import difference

CONDITIONS = (2, 10, 38, 100, 1000)  # of bowls: the largest curvature over the smallest
TARGET, WINDOW = 0.1, 10  # mean loss of so many batches in a row: where digits count as learned
EPOCHS = 20
RATES = {0.0: (0.1, 0.2, 0.5, 1.0), MU: (0.01, 0.02, 0.05, 0.1, 0.2)}
QUICK_RATES = {0.0: (0.1, 1.0), MU: (0.01, 0.1)}
RATE = 0.1  # at which both are compared; plain descent also against momentum at RATE (1 - MU)


CLAIM = Claim(
    id="momentum",
    heading="momentum",
    order=1,
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


def measure(setting: Setting) -> Evidence:
    """Each part in turn; `quick` takes 2 seeds and fewer rates."""
    seeds = setting.seeds(5, quick=2)
    grid = QUICK_RATES if setting.quick else RATES
    learned = {(mu, rate): [steps_to_learn(s, mu, rate) for s in seeds] for mu in grid for rate in grid[mu]}
    numbers = {
        "bits": fused.bits(setting.seed, 100 if setting.quick else 500),
        "limits": {str(mu): fused.limits(mu) for mu in (0.5, 0.9, 0.99)},
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
    decided, deciding, reason, correction = verdict(numbers)
    return Evidence(
        verdict=decided,
        deciding=deciding,
        reason=reason,
        correction=correction,
        numbers=numbers,
        tables=[_bits_table(numbers), _limits_table(numbers), _bowls_table(numbers), _speed_table(numbers)],
        figures=[_bowls_figure(numbers), _digits_figure(learned), _drop_figure(numbers)],
        sample=f"digits, {len(seeds)} seeds, {len(learned)} settings of {EPOCHS} epochs; bowls without chance",
    )


# On digits


def directions(seed: int) -> dict[str, float]:
    """What momentum does to each parameter's step in a training on digits, against the plain step of rate times gradient.

    Shares of the steps in which v and the negative gradient agree, and of each kind those that are longer than
    the plain step, and of the opposed those that go against the new gradient.
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
    """The gradient and the velocity (steps, parameters) of each step of a perceptron with MXNet's SGD."""
    mx.random.seed(seed)
    net, split, rng = small.perceptron(64), small.digits(seed), np.random.default_rng([seed, 10])
    net.initialize(mx.init.Xavier())
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": RATE, "momentum": MU})
    gradients, velocities = [], []
    for _ in range(steps):
        chosen = rng.choice(len(split.train_labels), 64, replace=False)
        with mx.autograd.record():
            scores = net(mx.nd.array(split.train_images[chosen]))
            loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()(
                scores, mx.nd.array(split.train_labels[chosen])
            ).mean()
        loss.backward()
        trainer.step(1)
        states = trainer._updaters[0].states
        gradients.append(np.concatenate([p.grad().asnumpy().ravel() for p in trainer._params]))
        velocities.append(np.concatenate([states[i].asnumpy().ravel() for i in sorted(states)]))
    return np.array(gradients), np.array(velocities)


def steps_to_learn(seed: int, mu: float, rate: float) -> int:
    """Updates until the loss is down at TARGET; one that does not get there counts with all its updates."""
    curve = small.train(
        small.perceptron(64), small.digits(seed), epochs=EPOCHS, seed=seed, rate=rate, momentum=mu
    )
    smooth = np.convolve(curve.step_loss, np.ones(WINDOW) / WINDOW, "valid")
    (down,) = np.nonzero(smooth <= TARGET)
    return int(down[0]) + WINDOW if len(down) else len(curve.step_loss)


def _at_best(learned: dict[tuple[float, float], list[int]], mu: float) -> list[int]:
    """The steps of each seed at the rate that is best for the other seeds: none chooses for itself."""
    steps = np.array([each for (own, _), each in learned.items() if own == mu], dtype=float)
    others = steps.sum(axis=1, keepdims=True) - steps
    return [int(steps[others[:, seed].argmin(), seed]) for seed in range(steps.shape[1])]


def _speed(plain: list[int], momentum: list[int]) -> dict[str, float]:
    """How many times as many steps plain descent takes: the geometric mean over seeds and its 95% interval."""
    found = difference(np.log(plain), np.log(momentum))
    mean, low, high = (float(np.exp(value)) for value in (found.mean, found.low, found.high))
    return {"times": mean, "low": low, "high": high, "trials": found.trials}


# What was seen


def verdict(numbers: dict) -> tuple[Verdict, str, str, str]:
    """The verdict, the deciding number, the reason and the correction, from what was measured."""
    speed, ways = numbers["speed"], numbers["directions"]
    same, effective, best = (
        speed[key] for key in ("same rate", f"same rate / (1 - μ) = {RATE}", "each at its best rate")
    )
    deciding = f"{_times(same)} as fast at the same rate"
    different = max(numbers["bits"][way]["share_different"] for way in ("sgd_mom_update", "optimizer.SGD"))
    bits = (
        f"differ from MXNet's weights in {different:.1%} of them"
        if different
        else "give MXNet's weights, every bit"
    )
    drop = numbers["rate_drop"]
    reason = (
        f"The two lines {bits}. At the same rate plain descent takes {_times(same)} the steps of momentum. After a "
        f"fall of the rate to a tenth the first step is {drop['times_at_drop']:.1f} times as long as with the rate "
        f"outside of v, and {drop['steps_until_within_10_percent']} steps pass until the two agree within 10%."
    )
    if different or same["high"] < 1:
        return Verdict.REFUTED, deciding, reason, ""
    if same["low"] <= 1:
        return Verdict.INCONCLUSIVE, deciding, reason, ""
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
        return Verdict.CONFIRMED, deciding, reason, ""
    return Verdict.CORRECTED, deciding, reason, " ".join(corrections)


def _times(speed: dict) -> str:
    return f"{speed['times']:.2f} [{speed['low']:.2f}, {speed['high']:.2f}] times"


def _bits_table(numbers: dict) -> Table:
    rows = [
        (way, f"{found['share_different']:.2%}", f"{found['largest_difference']:.1e}")
        for way, found in numbers["bits"].items()
    ]
    columns = ("MXNet's", "weights with other bits", "largest difference")
    return Table("The two lines in NumPy float32 beside MXNet, the rate falling half-way", columns, rows)


def _limits_table(numbers: dict) -> Table:
    rows = [
        (f"{float(mu):g}", found["constant"], 1 / (1 - float(mu)), found["alternating"], 1 / (1 + float(mu)))
        for mu, found in numbers["limits"].items()
    ]
    columns = ("$\\mu$", "constant", "$1 / (1 - \\mu)$", "alternating", "$1 / (1 + \\mu)$")
    return Table("MXNet's steps under such a gradient, in units of $\\eta\\,|dw|$, in the end", columns, rows)


def _bowls_table(numbers: dict) -> Table:
    rows = [
        (
            int(condition),
            *(f"{found[way]} ({found[f'{way}_theory']:.0f})" for way in ("plain", "momentum", "best")),
            found["best_mu"],
        )
        for condition, found in numbers["bowls"].items()
    ]
    columns = ("condition", "plain", f"$\\mu = {MU}$", "Polyak's $\\mu$", "which is")
    caption = (
        f"Steps to {NEAR:.0e} of the distance on quadratic bowls, and in theory; rates the best for each"
    )
    return Table(caption, columns, rows)


def _speed_table(numbers: dict) -> Table:
    rows = [
        (f"{what}", found["times"], found["low"], found["high"]) for what, found in numbers["speed"].items()
    ]
    columns = ("compared at", "times", "from", "to")
    return Table("Digits: steps of plain descent for one of momentum's, with 95% interval", columns, rows)


def _bowls_figure(numbers: dict) -> Figure:
    drawing, (axes,) = figures.new()
    conditions = [int(condition) for condition in numbers["bowls"]]
    labels = {"plain": "plain, best rate", "momentum": f"μ = {MU}", "best": "Polyak's μ and rate"}
    for index, (way, label) in enumerate(labels.items()):
        colour, found = figures.COLOURS[index], numbers["bowls"].values()
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


def _drop_figure(numbers: dict) -> Figure:
    drawing, (axes,) = figures.new()
    drop = numbers["rate_drop"]
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
