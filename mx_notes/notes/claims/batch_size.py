"""Test larger batches: whether they train faster, lose accuracy, and how their learning rate scales."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..claim import Claim, Evidence, Figure, Setting, Table, Verdict
from ..lab import figures, sequential, small_networks, splits
from ..lab.intervals import Interval, difference, interval, percent, points, sides
from ..lab.small_training import train, train_side_by_side

CLASSES = 10
BATCHES = (8, 16, 32, 64, 128, 256, 512, 1024)
REFERENCE = 16  # as many as there are classes, or a few more
RATE = 0.01  # at the reference: the best of 0.005, 0.01, 0.02, 0.03 and 0.04 on seeds 11 to 16
EPOCHS = 12
TIMED = 2  # epochs, of one network alone
WARM_UP = 1 / 4  # of the training
MUCH_LARGER = 5 * CLASSES
MARGIN = 0.02  # of accuracy: 12 of the 599 test images
LOOKS, QUICK_LOOKS = (6,), (3, 6)  # after how many seeds the criterion is applied
# How the rate grows when the batch is k times the reference.
SCALINGS = {"fixed": lambda k: 1.0, "square root": math.sqrt, "linear": lambda k: k}


def rate(done: float, batch: int, scaling: str) -> float:
    """Scale the reference's rate for this batch, rising gradually over the warm-up.

    Linear scaling and gradual warm-up: Goyal et al. 2017, section 2; square root: Krizhevsky 2014, section 5.
    """
    factor = SCALINGS[scaling](batch / REFERENCE)
    warmth = min(1.0, done / WARM_UP)
    return RATE * (1 + (factor - 1) * warmth)


CLAIM = Claim(
    id="batch-size",
    heading="accuracy",
    order=3,
    quote="batch size不能太大",
    question="There are 10 kinds of digits. How large may a batch be before accuracy suffers?",
    answers={
        Verdict.CONFIRMED: "Not much larger than 10.",
        Verdict.CORRECTED: "Far larger, if the learning rate grows with it, up to a point.",
        Verdict.REFUTED: "As large as one likes.",
    },
    statement="A batch should not be much larger than the number of classes. A larger one trains faster, but "
    "its learning rate is hard to set, as the two are not proportional; a very small one trains slowly.",
    method="A small convolutional network, without batch normalisation as its statistics depend on the batch, "
    f"learns the ten digits for the same number of epochs with batches of {BATCHES[0]} to {BATCHES[-1]}. The "
    f"learning rate is {RATE} at batch {REFERENCE}; at k times that batch it is the same, $\\sqrt{{k}}$ times "
    "(Krizhevsky 2014) or k times as large (Goyal et al. 2017), both reached gradually over the first quarter "
    f"of the training. Test accuracy minus that of batch {REFERENCE} is paired by seed.",
    criterion=f"By 95% intervals: confirmed if batch {BATCHES[-1]} trains more images a second than "
    f"{REFERENCE} does, loses more than {100 * MARGIN:.0f} percentage points at a fixed rate, and linear "
    f"scaling loses more than {100 * MARGIN:.0f} points at every batch above {MUCH_LARGER}, five times the "
    "classes; corrected if the first two hold, but linear scaling loses less than that at a batch above "
    f"{MUCH_LARGER}, and more at a still larger one; refuted if batch {BATCHES[-1]} is slower, or loses less "
    "than that at a fixed rate or by linear scaling; otherwise inconclusive.",
    shown=(rate,),
)


def verdict(faster: Interval, fixed: Interval, linear: dict[int, Interval]) -> tuple[Verdict, str]:
    """Apply the criterion.

    faster: logarithm of the largest batch's speed over the reference's. fixed: the largest batch's test
    accuracy minus the reference's, at a fixed rate. linear: the same with linear scaling, for each batch.
    """
    largest = max(linear)
    holds, fails = sides(linear, -MARGIN)
    told = (
        f"Batch {largest} trains {np.exp(faster.mean):.1f} times as many images a second as batch "
        f"{REFERENCE}, and changes test accuracy by {points(fixed)} percentage points at a fixed rate. "
        + "With the rate scaled linearly after a warm-up: "
        + ", ".join(f"{points(i)} at {batch}" for batch, i in linear.items() if batch > MUCH_LARGER)
        + "."
    )
    if faster.below_zero or fixed.low > -MARGIN or largest in holds:
        return Verdict.REFUTED, told
    large = [batch for batch in linear if batch > MUCH_LARGER]
    if faster.above_zero and fixed.high < -MARGIN:
        if all(batch in fails for batch in large):
            return Verdict.CONFIRMED, told
        if any(batch in holds and max(fails, default=0) > batch for batch in large):
            return Verdict.CORRECTED, told
    return Verdict.INCONCLUSIVE, told + " An interval includes its limit."


def measure(setting: Setting) -> Evidence:
    """Train with each batch and scaling; compare accuracy and speed."""
    batches = (REFERENCE, 64, BATCHES[-1]) if setting.quick else BATCHES
    looks = QUICK_LOOKS if setting.quick else LOOKS
    trials, confidence = sequential.until_decided(
        looks,
        setting,
        lambda seeds: paired(batches, seeds),
        lambda trials, confidence: verdict(*differences(trials, batches, confidence))[0],
    )
    faster, fixed, linear = differences(trials, batches, confidence)
    decided, reason = verdict(faster, fixed, linear)
    accuracy = {s: {b: [trial.accuracy[s, b] for trial in trials] for b in batches} for s in SCALINGS}
    speeds = {b: [trial.speed[b] for trial in trials] for b in batches}
    holds, fails = sides(linear, -MARGIN)
    return Evidence(
        verdict=decided,
        deciding=f"With the rate in proportion to the batch, these keep the accuracy of a batch of {REFERENCE}: "
        f"{named(holds)}; these lose it: {named(fails)}.",
        reason=reason,
        correction=correction(holds, fails) if decided is Verdict.CORRECTED else "",
        numbers={
            "test_accuracy": accuracy,
            "images_per_second": speeds,
            "log_speed_ratio": faster,
            "minus_reference_fixed_rate": fixed,
            "minus_reference_linear_rate": linear,
        },
        tables=[_table(accuracy, speeds)],
        figures=[_figure(accuracy, speeds)],
        sample=splits.sample(trials, EPOCHS)
        + sequential.told(looks, confidence)
        + (f"; batches {', '.join(map(str, batches))} only" if setting.quick else ""),
    )


class Trial(NamedTuple):
    """How the trainings from one seed ended: test accuracy by scaling and batch, images a second by batch."""

    accuracy: dict[tuple[str, int], float]
    speed: dict[int, float]


def paired(batches: Sequence[int], seeds: Sequence[int]) -> list[Trial]:
    """Train with each batch and scaling from each seed. The reference is the same training in every scaling."""
    found: dict[tuple[str, int], list[float]] = {}
    for batch in batches:
        for scaling in SCALINGS:
            same = batch == REFERENCE and scaling != "fixed"
            found[scaling, batch] = found["fixed", batch] if same else trained(batch, scaling, seeds)
    by_seed = [dict(zip(found, ends, strict=True)) for ends in zip(*found.values(), strict=True)]
    speeds = [{batch: speed(batch, seed) for batch in batches} for seed in seeds]
    return list(map(Trial, by_seed, speeds))


def trained(batch: int, scaling: str, seeds: Sequence[int]) -> list[float]:
    """Train a small network from each seed with this batch, its rate scaled so; returns test accuracies."""
    curves = train_side_by_side(
        small_networks.convolutional((8, 16), count=len(seeds)),
        [splits.digits(seed) for seed in seeds],
        epochs=EPOCHS,
        seeds=seeds,
        batch_size=batch,
        rate=lambda done: rate(done, batch, scaling),
        score_each_epoch=False,
    )
    return [curve.test_accuracy[-1] for curve in curves]


def speed(batch: int, seed: int) -> float:
    """Train one network for the images a second."""
    net = small_networks.convolutional((8, 16))
    curve = train(net, splits.digits(seed), epochs=TIMED, seed=seed, batch_size=batch, score_each_epoch=False)
    return batch * len(curve.step_loss) / curve.seconds


def differences(
    trials: list[Trial], batches: Sequence[int], confidence: float
) -> tuple[Interval, Interval, dict[int, Interval]]:
    """Measure what the criterion compares, as `verdict` takes it."""
    largest = batches[-1]

    def minus_reference(scaling: str, batch: int) -> Interval:
        pairs = [(trial.accuracy[scaling, batch], trial.accuracy["fixed", REFERENCE]) for trial in trials]
        return difference(*zip(*pairs, strict=True), confidence)

    speeds = np.log([[trial.speed[batch] for batch in (largest, REFERENCE)] for trial in trials])
    return (
        difference(*speeds.T, confidence),
        minus_reference("fixed", largest),
        {batch: minus_reference("linear", batch) for batch in batches if batch > REFERENCE},
    )


def named(batches: list[int]) -> str:
    """Name some batches by the first and the last: "32 to 256"."""
    return f"{batches[0]} to {batches[-1]}" if len(batches) > 1 else str(*batches) or "none"


def correction(holds: list[int], fails: list[int]) -> str:
    """Say what limits the batch instead of the number of classes."""
    most = max(batch for batch in holds if batch < max(fails))
    stop = min(batch for batch in fails if batch > most)
    return (
        f"A larger batch is faster, and too large a one loses accuracy in the same epochs; but the number of "
        f"classes is not the limit. With the learning rate scaled in proportion after a warm-up, a batch of "
        f"{most}, {most / CLASSES:.0f} times the classes, stays within {100 * MARGIN:.0f} percentage points of "
        f"batch {REFERENCE}. Proportion stops holding at {stop}, where the rate is {RATE * stop / REFERENCE:g} "
        f"and an epoch has {1198 // stop} update{'s' * (1198 // stop != 1)}."
    )


def _table(accuracy: dict[str, dict[int, list[float]]], speeds: dict[int, list[float]]) -> Table:
    return Table(
        "Test accuracy in %, ± 95% interval, after the same number of epochs; speed is that of a network's steps alone "
        "on one core, with everything between them",
        ("batch", "images/s", *(f"{scaling} rate" for scaling in SCALINGS)),
        [
            (batch, round(float(np.mean(speeds[batch]))), *(percent(by[batch]) for by in accuracy.values()))
            for batch in speeds
        ],
    )


def _figure(accuracy: dict[str, dict[int, list[float]]], speeds: dict[int, list[float]]) -> Figure:
    drawing, (above, below) = figures.new(2, height=2.8)
    batches = list(speeds)
    figures.band(above, batches, np.transpose(list(speeds.values())), 0, "images/s")
    above.set(ylabel="images/s", ylim=(0, None), title="Speed of training")
    for index, (scaling, by) in enumerate(accuracy.items()):
        errors = 100 * (1 - np.transpose(list(by.values())))
        figures.band(below, batches, errors, index, f"{scaling} rate")
    reference = 100 * (1 - interval(accuracy["fixed"][REFERENCE]).mean)
    margin = 100 * MARGIN
    below.axhspan(reference - margin, reference + margin, color=figures.INK, alpha=0.25, lw=0, label="margin")
    below.set(ylabel="test error after equal epochs (%)", yscale="log", ylim=(1, 100))
    below.set_yticks((1, 2, 5, 10, 20, 50, 100), (1, 2, 5, 10, 20, 50, 100))
    below.minorticks_off()
    figures.legend_above(below, columns=2)
    for axes in (above, below):
        axes.set_xscale("log", base=2)
        axes.set_xticks(batches, batches)
        axes.axvline(CLASSES, color=figures.INK, ls=":")
        axes.set_xlabel("batch size (dotted: the number of classes)")
    caption = (
        "Images per second (top) and test error (bottom) against the batch size, means of the seeds with "
        f"95% intervals. The grey band is the margin around batch {REFERENCE}."
    )
    return Figure.of(drawing, caption)
