"""Test whether augmentation narrows the gap between training and test accuracy, and whether to fade it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...data import Augmentation
from ..claim import Claim, Evidence, Figure, Setting, Table, Verdict
from ..lab import figures, sequential, small_networks, splits
from ..lab.intervals import Interval, difference, interval, percent, points
from ..lab.small_training import score_side_by_side, train_side_by_side

EXAMPLES, BATCH, EPOCHS = 50, 25, 60  # so few images that a network learns them by heart
SIZES = (100, 300, 600)  # more images, trained for as many updates
UNIT = Augmentation(rotate=10, noise=0.25)  # strength 1; rotation and noise grow evenly with the strength
STRENGTHS = (0, 1, 2, 4)
MODERATE, STRONGEST = 1, 4
LOOKS, QUICK_LOOKS = (24,), (8, 16, 24)  # after how many seeds the criterion is applied


def constant(done: float) -> float:
    """Keep the augmentation the same from start to end."""
    return 1.0


def fading(done: float) -> float:
    """Keep full augmentation for two thirds of the training, then let it fall to none at the end."""
    return min(1.0, 3 * (1 - done))


def trained(
    strength: float, course: Callable[[float], float], seeds: Sequence[int], examples: int = EXAMPLES
) -> np.ndarray:
    """Train; returns three accuracies of each seed: on training images, on training images augmented, on test images.

    The updates are as many for any number of examples.
    """
    parts = [splits.digits(seed).few(examples) for seed in seeds]
    net = small_networks.convolutional(batch_norm=True, count=len(seeds))
    curves = train_side_by_side(
        net,
        parts,
        epochs=EPOCHS * EXAMPLES // examples,
        seeds=seeds,
        batch_size=BATCH,
        rate=0.05,
        augment=lambda images, rng, done: UNIT(images, rng, strength * course(done)),
        score_each_epoch=False,
    )
    seen = [
        (UNIT(part.train_images, np.random.default_rng(seed), strength), part.train_labels)
        for part, seed in zip(parts, seeds, strict=True)
    ]
    augmented = [accuracy for _, accuracy in score_side_by_side(net, seen)]
    ends = zip(curves, augmented, strict=True)
    return np.array([(curve.train_accuracy[-1], own, curve.test_accuracy[-1]) for curve, own in ends])


CLAIM = Claim(
    id="data-augmentation",
    heading="accuracy",
    order=1,
    quote="Adding more data augmentations often reduces the gap between training and validation accuracy.",
    question="Turn and blur the training digits more and more. What becomes of the accuracy on test digits?",
    answers={
        Verdict.CONFIRMED: "It comes closer to that on training digits, and too much does no harm.",
        Verdict.CORRECTED: "It comes closer at first, but too much of it lowers both.",
        Verdict.REFUTED: "It comes no closer, or fading the changes out near the end does harm.",
    },
    statement="More data augmentation often narrows the gap between training and validation accuracy, and it "
    "could be reduced in the last epochs.",
    method=f"A small convolutional network learns {EXAMPLES} digits at a constant learning rate, each batch "
    "turned by random angles and given noise. Strength 1 is up to 10° and noise of a quarter of the pixels' "
    "standard deviation; strengths 2 and 4 are two and four times that. The gap is accuracy on the training "
    "images as they are minus accuracy on test images. Each strength is kept constant, and is also reduced to "
    "none over the last third of the training. Everything is paired by seed. What strength "
    f"{MODERATE} does to the gap is also measured with more images, up to {SIZES[-1]}.",
    criterion=f"By 95% intervals of three differences: the gap without augmentation − at strength {MODERATE}; "
    "test accuracy reduced − constant, mean of the strengths; test accuracy at the strongest, "
    f"{STRONGEST}, − without augmentation. Confirmed if the first two lie above 0 and the third does not lie "
    "below; corrected if the first two do but the third lies below 0, so that more is not always better; "
    "refuted if one of the first two lies below 0; otherwise inconclusive.",
    shown=(fading, trained),
)


def verdict(narrower: Interval, calmer: Interval, strongest: Interval) -> tuple[Verdict, str]:
    """Apply the criterion to its three differences, in the order of its sentence."""
    told = (
        f"In percentage points, moderate augmentation narrows the gap by {points(narrower)}, reducing the "
        f"augmentation over the last third adds {points(calmer)} to test accuracy, and the strongest, kept to "
        f"the end, changes test accuracy by {points(strongest)} against none."
    )
    if narrower.below_zero or calmer.below_zero:
        return Verdict.REFUTED, told
    if not (narrower.above_zero and calmer.above_zero):
        return Verdict.INCONCLUSIVE, told + " An interval includes 0."
    return (Verdict.CORRECTED if strongest.below_zero else Verdict.CONFIRMED), told


def measure(setting: Setting) -> Evidence:
    """Train at each strength, kept constant and reduced near the end."""
    strengths = (0, MODERATE, STRONGEST) if setting.quick else STRENGTHS
    sizes = SIZES[1:2] if setting.quick else SIZES
    looks = QUICK_LOOKS if setting.quick else LOOKS

    def paired(seeds: Sequence[int]) -> list[tuple[np.ndarray, np.ndarray]]:
        steady = [trained(strength, constant, seeds) for strength in strengths]
        faded = [trained(strength, fading, seeds) for strength in strengths[1:]]
        return list(zip(np.stack(steady, axis=1), np.stack(faded, axis=1), strict=True))

    trials, confidence = sequential.until_decided(
        looks,
        setting,
        paired,
        lambda trials, confidence: verdict(*differences(*arrays(trials), confidence))[0],
    )
    steady, faded = arrays(trials)
    narrower, calmer, strongest = differences(steady, faded, confidence)
    decided, reason = verdict(narrower, calmer, strongest)
    gap = dict(zip(strengths, (steady[..., 0] - steady[..., 2]).T, strict=True))
    gains = dict(zip(strengths[1:], (faded[..., 2] - steady[:, 1:, 2]).T, strict=True))
    seeds = range(setting.seed, setting.seed + len(trials))
    by_size = {EXAMPLES: difference(gap[0], gap[MODERATE])} | {size: narrowed(size, seeds) for size in sizes}
    return Evidence(
        verdict=decided,
        deciding=f"With {EXAMPLES} images moderate augmentation narrows the gap by {100 * narrower.mean:.1f} points, with "
        f"{sizes[-1]} by {100 * by_size[sizes[-1]].mean:.1f}; the strongest changes test accuracy by "
        f"{100 * strongest.mean:+.1f}.",
        reason=f"{reason} It depends on the images there are to learn from: {_told(by_size)}.",
        correction=correction(gap, strongest, gains) if decided is Verdict.CORRECTED else "",
        numbers={
            "strengths": strengths,
            "constant": by_images(steady),
            "reduced": by_images(faded),
            "gap_narrower": narrower,
            "test_gained_by_reducing": calmer,
            "test_strongest_minus_none": strongest,
            "gap_narrower_by_images": by_size,
        },
        tables=[
            _gap_table(strengths, steady),
            _fading_table(strengths[1:], steady[:, 1:, 2], faded[..., 2]),
            Table(
                f"How much strength {MODERATE} narrows the gap, in percentage points, by the number of images to "
                "train on, after as many updates",
                ("images", "narrower by"),
                [(size, points(narrower)) for size, narrower in by_size.items()],
            ),
        ],
        figures=[_figure(strengths, gap, steady[..., 2], faded[..., 2])],
        sample=splits.sample(trials, EPOCHS, EXAMPLES, 1797 - EXAMPLES)
        + sequential.told(looks, confidence)
        + "; fewer strengths" * setting.quick,
    )


def arrays(trials: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Stack trials: (seeds, strengths, [training images, training images augmented, test images]), kept and reduced."""
    return np.array([steady for steady, _ in trials]), np.array([faded for _, faded in trials])


def differences(
    steady: np.ndarray, faded: np.ndarray, confidence: float
) -> tuple[Interval, Interval, Interval]:
    """Measure the criterion's three differences, in the order of its sentence."""
    gap = steady[..., 0] - steady[..., 2]
    gained = (faded[..., 2] - steady[:, 1:, 2]).mean(axis=1)
    return (
        difference(gap[:, 0], gap[:, 1], confidence),
        interval(gained, confidence),
        difference(steady[:, -1, 2], steady[:, 0, 2], confidence),
    )


def narrowed(examples: int, seeds: range) -> Interval:
    """Measure how much moderate augmentation narrows the gap with so many images to train on."""
    runs = [trained(strength, constant, seeds, examples) for strength in (0, MODERATE)]
    return difference(*(each[:, 0] - each[:, 2] for each in runs))


def _told(by_size: dict[int, Interval]) -> str:
    return ", ".join(f"{points(narrower)} with {size}" for size, narrower in by_size.items())


def by_images(accuracies: np.ndarray) -> dict[str, np.ndarray]:
    """Name accuracies (seeds, strengths, 3) by the three sorts of images."""
    return dict(zip(("train", "train_augmented", "test"), np.moveaxis(accuracies, -1, 0), strict=True))


def correction(gap: dict[int, np.ndarray], strongest: Interval, gains: dict[int, np.ndarray]) -> str:
    """Say what the statement leaves out."""
    widths = ", ".join(f"{100 * values.mean():.1f} at {strength}" for strength, values in gap.items())
    gained = ", ".join(f"{points(interval(values))} at {strength}" for strength, values in gains.items())
    return (
        "Moderate augmentation narrows the gap; more is not always better, and the gap alone does not tell. By "
        f"strength it is {widths} points wide, while the strongest changes test accuracy by "
        f"{points(strongest)} points. What reducing it near the end gains depends on the strength: {gained} "
        "points."
    )


def _gap_table(strengths: tuple[int, ...], steady: np.ndarray) -> Table:
    rows = []
    for index, strength in enumerate(strengths):
        train, seen, test = steady[:, index].T
        logged = f"{100 * (seen - test).mean():+.1f}"
        rows.append((strength, percent(train), percent(test), percent(train - test), logged))
    return Table(
        "Constant augmentation: accuracy in %, gap in percentage points, ± 95% interval. The last column is "
        "what a training log shows, where the training images are the augmented ones.",
        ("strength", "training", "test", "gap", "gap in a log"),
        rows,
    )


def _fading_table(strengths: tuple[int, ...], steady: np.ndarray, faded: np.ndarray) -> Table:
    """Show test accuracy, (seeds, strengths) each, with augmentation kept to the end and reduced before it."""
    return Table(
        "Test accuracy in %, ± 95% interval, and the difference paired by seed, in percentage points",
        ("strength", "constant", "reduced", "difference"),
        [
            (strength, percent(a), percent(b), points(difference(b, a)))
            for strength, a, b in zip(strengths, steady.T, faded.T, strict=True)
        ],
    )


def _figure(
    strengths: tuple[int, ...], gap: dict[int, np.ndarray], steady: np.ndarray, faded: np.ndarray
) -> Figure:
    drawing, (above, below) = figures.new(2, height=2.7)
    figures.whiskers(above, strengths, [interval(g) for g in gap.values()], 0, fmt="o-")
    above.set(ylabel="gap (percentage points)", title="Training minus test accuracy, constant strength")
    figures.whiskers(below, strengths, [interval(t) for t in steady.T], 0, fmt="o-", label="constant")
    figures.whiskers(
        below, strengths[1:], [interval(t) for t in faded.T], 1, fmt="s-", label="reduced in the last third"
    )
    below.set(ylabel="test accuracy (%)", title="Test accuracy")
    figures.legend(below, loc="lower left")
    for axes in (above, below):
        axes.set(xlabel="strength of the augmentation", xticks=strengths)
    caption = (
        "Gap (top) and test accuracy (bottom) against the augmentation's strength: means of the seeds with "
        "95% intervals. A narrow gap is not yet a high accuracy."
    )
    return Figure.of(drawing, caption)
