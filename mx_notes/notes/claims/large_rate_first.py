"""Test the note's schedule: start with a large learning rate, keep it for long, then divide it by ten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ...data import Augmentation
from ..claim import Claim, Evidence, Figure, Setting, Table, Verdict
from ..lab import figures, sequential, small_networks, splits
from ..lab.intervals import Interval, difference, interval, percent, points
from ..lab.small_training import Curve, train_side_by_side

LARGE = 0.1  # the note's rate, for CIFAR-10
NOTE, EARLY = 5 / 6, 1 / 6  # where the rate drops, as a fraction of the training; Gluon's recipe: 200 of 240
DROPS = (0, EARLY, 1 / 3, 1 / 2, 2 / 3, NOTE, 11 / 12, 1)  # 0 is the small rate throughout, 1 the large one
NAMES = {0: "constant small", 1: "constant large", NOTE: "the note's: drop at 5/6"}
MARGIN = 0.01  # of accuracy
LOOKS, QUICK_LOOKS = (24,), (8, 16, 24)  # after how many seeds the criterion is applied
EXAMPLES, EPOCHS = 600, 20  # digits to train on; with fewer updates too few would be left after the drop
UNIT = Augmentation(
    rotate=15, noise=0.5
)  # so much that a network still errs at the end, and a schedule can help


def stepped(done: float, drop: float) -> float:
    """Keep the large rate until the fraction `drop` of the training is done, then take a tenth of it."""
    return LARGE if done < drop else LARGE / 10


def cosine(done: float) -> float:
    """Follow half a cosine from the large rate to 0 (Loshchilov and Hutter 2017, equation 5, without restarts)."""
    return LARGE * (1 + math.cos(math.pi * done)) / 2


CLAIM = Claim(
    id="learning-rate",
    heading="accuracy",
    order=2,
    quote="Start with a large learning rate and keep it large for a long time.",
    question="The rate is 0.1 for five sixths of the training, then 0.01. What is it that helps?",
    answers={
        Verdict.CONFIRMED: "Keeping it large for so long.",
        Verdict.CORRECTED: "That it falls at all: early or late, it hardly matters.",
        Verdict.REFUTED: "Nothing: a constant rate does better.",
    },
    statement="Start with a large learning rate, keep it for a long time, then divide it by ten: 0.1 for the "
    "first 200 epochs, then 0.01.",
    method="A small convolutional network with batch normalisation learns digits as networks learn CIFAR-10: "
    f"momentum 0.9, weight decay 0.0005; {EXAMPLES} images, turned by up to 15° and given noise of half the pixels' "
    "standard deviation, for 20 epochs. The rate is 0.1 until a "
    "fraction of the training is done, then 0.01. That fraction goes from 0 (small throughout) to 1 (large "
    "throughout); the note's 200 of the recipe's 240 epochs are 5/6. A cosine from 0.1 to 0 is the usual "
    "schedule of today. Everything is paired by seed.",
    criterion="Test accuracy after the last epoch, 95% intervals of differences: refuted if the note's "
    "schedule minus the large or the small constant rate lies below 0, inconclusive if one of them includes "
    "0. If both lie above: confirmed if (drop at 5/6 − drop at 1/6) lies above 0, so that keeping the large "
    f"rate for long is what helps; corrected if it lies below {100 * MARGIN:.0f} percentage point; otherwise "
    "inconclusive.",
    shown=(stepped, cosine),
)


def verdict(over_large: Interval, over_small: Interval, over_early: Interval) -> tuple[Verdict, str]:
    """Apply the criterion to the note's schedule minus the two constant rates, and minus an early drop."""
    told = (
        f"Dropping the rate at 5/6 of the training changes test accuracy by {points(over_large)} percentage "
        f"points against the large rate throughout, {points(over_small)} against the small one, and "
        f"{points(over_early)} against dropping it at 1/6."
    )
    if over_large.below_zero or over_small.below_zero:
        return Verdict.REFUTED, told
    if not (over_large.above_zero and over_small.above_zero):
        return Verdict.INCONCLUSIVE, told + " An interval includes 0."
    if over_early.above_zero:
        return Verdict.CONFIRMED, told
    if over_early.high < MARGIN:
        return Verdict.CORRECTED, told
    return Verdict.INCONCLUSIVE, told + " How long the rate should stay large is undecided."


def measure(setting: Setting) -> Evidence:
    """Train with the rate dropped at each point, and with the cosine."""
    schedules = (0, EARLY, NOTE, 1) if setting.quick else (*DROPS, "cosine")
    looks = QUICK_LOOKS if setting.quick else LOOKS
    trials, confidence = sequential.until_decided(
        looks,
        setting,
        lambda seeds: paired(schedules, seeds),
        lambda trials, confidence: verdict(*differences(trials, confidence).values())[0],
    )
    curves = {schedule: [trial[schedule] for trial in trials] for schedule in schedules}
    test = {schedule: [curve.test_accuracy[-1] for curve in runs] for schedule, runs in curves.items()}
    against = differences(trials, confidence)
    jump = interval([after_drop(curve.step_loss) for curve in curves[NOTE]])
    decided, reason = verdict(*against.values())
    return Evidence(
        verdict=decided,
        deciding=f"Letting the rate fall after 5/6 of the training changes accuracy by {points(against[1])} points "
        f"against not at all, and by {points(against[EARLY])} against after 1/6.",
        reason=f"{reason} {_alike(test)} {_after_the_drop(jump)}",
        correction=correction(test) if decided is Verdict.CORRECTED else "",
        numbers={
            "test_accuracy": {name(schedule): values for schedule, values in test.items()},
            "loss_by_step": {name(s): [curve.step_loss for curve in runs] for s, runs in curves.items()},
            "note_minus_large": against[1],
            "note_minus_small": against[0],
            "note_minus_early_drop": against[EARLY],
            "loss_ratio_after_drop": jump,
        },
        tables=[_table(curves, test)],
        figures=[_figure(curves, test)],
        sample=splits.sample(trials, EPOCHS, EXAMPLES, 1797 - EXAMPLES)
        + sequential.told(looks, confidence)
        + "; fewer points of drop, no cosine" * setting.quick,
    )


def differences(trials: list[dict[float | str, Curve]], confidence: float) -> dict[float, Interval]:
    """Measure the note's schedule minus the large rate, the small rate, and the early drop, in test accuracy."""

    def ends(schedule: float) -> list[float]:
        return [trial[schedule].test_accuracy[-1] for trial in trials]

    return {other: difference(ends(NOTE), ends(other), confidence) for other in (1, 0, EARLY)}


def _alike(test: dict[float | str, list[float]]) -> str:
    """Name the schedules that end within the margin of the note's."""
    near = []
    for schedule in test:
        i = difference(test[schedule], test[NOTE])
        if schedule != NOTE and i.low > -MARGIN and i.high < MARGIN:
            near.append(name(schedule))
    return f"Within {100 * MARGIN:.0f} point of it, by interval: {', '.join(near) or 'no other'}."


def after_drop(step_loss: list[float]) -> float:
    """Divide the mean loss of the 20 batches after the note's drop by the mean of the 20 before it."""
    drop = round(NOTE * len(step_loss))
    return float(np.mean(step_loss[drop : drop + 20]) / np.mean(step_loss[drop - 20 : drop]))


def _after_the_drop(jump: Interval) -> str:
    """Say what the drop does at first, and why, if it does harm."""
    told = (
        f"In the 20 steps after the drop the batches' loss is {jump.mean:.2f} [{jump.low:.2f}, {jump.high:.2f}] "
        "times that of the 20 before."
    )
    if jump.low > 1:
        told += (
            " In $v = \\mu v - \\eta\\, dw$ the velocity keeps the large rate's steps for about "
            "$1/(1-\\mu) = 10$ updates, while the gradient that would turn it counts a tenth; a drop close to "
            "the end leaves no time to recover."
        )
    return told


def paired(schedules: Sequence[float | str], seeds: Sequence[int]) -> list[dict[float | str, Curve]]:
    """Train with each schedule from each seed."""
    runs = zip(*(trained(schedule, seeds) for schedule in schedules), strict=True)
    return [dict(zip(schedules, curves, strict=True)) for curves in runs]


def trained(schedule: float | str, seeds: Sequence[int]) -> list[Curve]:
    """Train with the rate dropped at this fraction, or following the "cosine", from each seed."""
    return train_side_by_side(
        small_networks.convolutional((8, 16), batch_norm=True, count=len(seeds)),
        [splits.digits(seed).few(EXAMPLES) for seed in seeds],
        epochs=EPOCHS,
        seeds=seeds,
        batch_size=32,
        rate=cosine if schedule == "cosine" else lambda done: stepped(done, schedule),
        weight_decay=5e-4,
        augment=lambda images, rng, done: UNIT(images, rng),
        score_each_epoch=False,
    )


def name(schedule: float | str) -> str:
    """Name a schedule in tables."""
    if schedule == "cosine":
        return "cosine to 0"
    return NAMES.get(schedule) or f"drop at {Fraction(schedule).limit_denominator(12)}"


def correction(test: dict[float | str, list[float]]) -> str:
    """Put the statement right on how long the rate stays large."""
    between = [100 * float(np.mean(test[drop])) for drop in test if drop != "cosine" and 0 < drop < 1]
    return (
        "Start with a large learning rate and divide it by ten before the end. That it drops matters; when it "
        f"does hardly: the mean accuracies of all drops from 1/6 on lie between {min(between):.1f}% and "
        f"{max(between):.1f}%."
    )


def _table(curves: dict[float | str, list[Curve]], test: dict[float | str, list[float]]) -> Table:
    rows = []
    for schedule, runs in curves.items():
        behind = "" if schedule == NOTE else points(difference(test[schedule], test[NOTE]))
        loss = float(np.mean([curve.train_loss[-1] for curve in runs]))
        rows.append((name(schedule), percent(test[schedule]), behind, loss))
    return Table(
        "After the last epoch: test accuracy in %, ± 95% interval; its difference to the note's schedule, in "
        "percentage points, paired by seed; mean cross-entropy of the training images",
        ("learning rate", "test accuracy", "minus the note's", "training loss"),
        rows,
    )


def _figure(curves: dict[float | str, list[Curve]], test: dict[float | str, list[float]]) -> Figure:
    drawing, (above, below) = figures.new(2, height=3.0)
    compared = [schedule for schedule in (1, 0, NOTE, "cosine") if schedule in curves]
    for index, schedule in enumerate(compared):
        losses = [np.reshape(curve.step_loss, (EPOCHS, -1)).mean(axis=1) for curve in curves[schedule]]
        figures.band(above, np.arange(1, len(losses[0]) + 1), losses, index, name(schedule))
    above.set(ylabel="training loss (nats)", yscale="log")
    figures.epochs(above)
    figures.legend_above(above, columns=2)
    drops = [schedule for schedule in test if schedule != "cosine"]
    figures.whiskers(
        below, drops, [interval(test[drop]) for drop in drops], 2, fmt="D-", label="rate divided by ten"
    )
    if "cosine" in test:
        i = interval(test["cosine"])
        below.axhspan(100 * i.low, 100 * i.high, color=figures.COLOURS[3], alpha=0.2, lw=0, label="cosine")
    below.set(
        xlabel="fraction of the training before the drop",
        ylabel="test accuracy (%)",
    )
    if "cosine" in test:
        figures.legend_above(below, columns=2)
    caption = (
        "Top: loss of the batches as they are trained on, mean of an epoch, and of the seeds with its 95% interval. Bottom: test accuracy "
        "after the last epoch against the point where the rate falls from 0.1 to 0.01 (0: small throughout, 1: "
        "large throughout), with 95% intervals. The loss rises for a moment when the rate falls."
    )
    return Figure.of(drawing, caption)
