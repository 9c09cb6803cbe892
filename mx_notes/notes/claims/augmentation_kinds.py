"""Test which kinds of augmentation keep an image's label: reflection, translation, rotation, noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np

from ... import data
from ...data import Augmentation
from ...runtime import mx
from ..claim import Claim, Evidence, Figure, Setting, Table, Verdict
from ..lab import figures, sequential, small_networks, splits
from ..lab.intervals import Interval, difference, interval, percent, points, sides
from ..lab.small_training import log_probabilities, score_side_by_side, train_side_by_side
from ..lab.splits import Split

EXAMPLES = 150  # digits to train on, so few that more would help
FASHION_EXAMPLES = 500
KINDS = {
    "reflection": Augmentation(reflect=0.5),
    "translation": Augmentation(translate=1),
    "rotation": Augmentation(rotate=15),
    "noise": Augmentation(noise=0.25),
}
AMOUNTS = ("half of the images", "by up to 1 pixel", "by up to 15°", "¼ of the pixels' deviation")
CONFIDENCE = 1 - 0.05 / len(KINDS)  # Bonferroni: the four intervals hold together at 95%
MARGIN = 0.02  # of accuracy: 33 of the 1,647 test images
LOOKS, QUICK_LOOKS = (12,), (4, 8, 12)  # after how many seeds the criterion is applied
CELL = 60  # pixels between two pictures' beginnings in the grid; a picture takes 56
FASHION_REFLECTION = "reflection, Fashion-MNIST"


def as_it_is(images: np.ndarray) -> np.ndarray:
    """Leave the images unchanged."""
    return images


def reflected(images: np.ndarray) -> np.ndarray:
    """Exchange left and right."""
    return images[:, :, :, ::-1]


def half_turned(images: np.ndarray) -> np.ndarray:
    """Turn the images by 180°."""
    return images[:, :, ::-1, ::-1]


def readings(net: mx.gluon.HybridBlock, parts: Sequence[Split], change: Callable) -> np.ndarray:
    """Read changed test images: the fraction of each class that a network takes for each, (networks, 10, 10)."""
    read = log_probabilities(net, [change(part.test_images) for part in parts]).argmax(axis=2)
    counts = np.zeros((len(parts), 10, 10))
    for own, part, seen in zip(counts, parts, read, strict=True):
        np.add.at(own, (part.test_labels, seen), 1)
    return counts / counts.sum(axis=2, keepdims=True)


CHANGES = {"as it is": as_it_is, "reflected": reflected, "turned by 180°": half_turned}

CLAIM = Claim(
    id="augmentation-kinds",
    heading="augmentation",
    order=1,
    quote="从已有的数据中创造一批新的数据",
    question="Reflect, move, turn, add noise. Which of the four make new digits that are still the same digits?",
    answers={
        Verdict.CONFIRMED: "All four.",
        Verdict.CORRECTED: "Some: a mirrored 2 is no 2.",
        Verdict.REFUTED: "None.",
    },
    statement="The training set can be enlarged by new images made from those at hand: reflected, moved, "
    "turned, or with noise added.",
    method=f"A small convolutional network learns {EXAMPLES} digits as they are. It then reads test images "
    "changed in each of the four ways, and turned by 180°. Other networks learn the same images from the same "
    "start with each kind of augmentation; their accuracy on unchanged test images is compared with the first "
    "one's, paired by seed. Fashion-MNIST at half its size, where a mirrored boot is a boot, is the contrast.",
    criterion="A kind keeps the labels if the interval of what it adds to test accuracy on digits lies above "
    f"−{100 * MARGIN:.0f} percentage points, and changes them if below (intervals of {100 * CONFIDENCE:.2f}%, "
    "so that all four hold together at 95%). Confirmed if all four keep them; corrected if some keep and some "
    "change them; refuted if all change them; otherwise inconclusive.",
    shown=(reflected, readings),
)


@dataclass
class Comparison:
    """Accuracies of a network trained without augmentation and of one with each kind, as lists over the seeds."""

    test: dict[str, list[float]]  # on unchanged test images, by kind; "none": without augmentation
    before: dict[str, list[float]]  # without augmentation, on test images changed by the kind
    after: dict[str, list[float]]  # trained with the kind, on the same changed images
    readings: dict[str, list[np.ndarray]]  # without augmentation, by CHANGES, (10, 10) each

    def change(self, kind: str, confidence: float = 0.95) -> Interval:
        """Measure how much training with the kind adds to test accuracy."""
        return difference(self.test[kind], self.test["none"], confidence)


def verdict(changes: dict[str, Interval]) -> tuple[Verdict, str]:
    """Apply the criterion; `changes`: how much each kind adds to test accuracy."""
    keeping, changing = sides(changes, -MARGIN)
    listed = ", ".join(f"{points(i)} by {kind}" for kind, i in changes.items())
    told = f"Training with each kind changes test accuracy, in percentage points: {listed}."
    if len(keeping) == len(changes):
        return Verdict.CONFIRMED, told
    if len(changing) == len(changes):
        return Verdict.REFUTED, told
    if keeping and changing:
        return Verdict.CORRECTED, told
    return Verdict.INCONCLUSIVE, told + f" An interval includes −{100 * MARGIN:.0f} points."


def measure(setting: Setting) -> Evidence:
    """Read changed images, and train with each kind."""
    epochs = 20 if setting.quick else 40
    looks = QUICK_LOOKS if setting.quick else LOOKS
    trials, confidence = sequential.until_decided(
        looks,
        setting,
        lambda seeds: compare([splits.digits(seed).few(EXAMPLES) for seed in seeds], KINDS, epochs, seeds),
        lambda trials, confidence: verdict(changed(together(trials), confidence))[0],
    )
    digits = together(trials)
    changes = changed(digits, confidence)
    fashion = None
    if fashion_found() and not setting.quick:
        mirrored = {"reflection": KINDS["reflection"]}
        seeds = setting.seeds(6)
        fashion = together(compare(list(map(fashion_split, seeds)), mirrored, epochs // 2, seeds))
    decided, reason = verdict(changes)
    keeping, changing = sides(changes, -MARGIN)
    return Evidence(
        verdict=decided,
        deciding=f"Digits stay digits under {len(keeping)} of 4 kinds ({', '.join(keeping) or 'none'}), and change under "
        f"{len(changing)} ({', '.join(changing) or 'none'}).",
        reason=reason,
        correction=correction(digits, fashion, changes) if decided is Verdict.CORRECTED else "",
        numbers={"changes": changes, "digits": digits, "fashion": fashion},
        tables=[_kinds_table(digits, fashion, changes), _readings_table(digits)],
        figures=[_pictures(setting.seed), _accuracy_figure(digits, fashion, changes)],
        sample=f"{splits.sample(trials, epochs, EXAMPLES, 1797 - EXAMPLES)}{sequential.told(looks, confidence)}; "
        + (
            f"Fashion-MNIST ({FASHION_EXAMPLES} to train on, 1,000 to test on), 6 seeds, {epochs // 2} epochs"
            if fashion
            else "no training on Fashion-MNIST"
        ),
    )


def compare(
    parts: Sequence[Split], kinds: dict[str, Augmentation], epochs: int, seeds: Sequence[int]
) -> list[Comparison]:
    """Train without augmentation and with each kind, on each split from its seed: of each, lists of one."""

    def read(net: mx.gluon.HybridBlock, images: Sequence[np.ndarray]) -> list[list[float]]:
        labelled = zip(images, [part.test_labels for part in parts], strict=True)
        return [[accuracy] for _, accuracy in score_side_by_side(net, list(labelled))]

    found = [Comparison({}, {}, {}, {}) for _ in parts]
    plain, unchanged = trained(Augmentation(), parts, epochs, seeds), [part.test_images for part in parts]
    for own, accuracy in zip(found, read(plain, unchanged), strict=True):
        own.test["none"] = accuracy
    for name, change in CHANGES.items():
        for own, fractions in zip(found, readings(plain, parts, change), strict=True):
            own.readings[name] = [fractions]
    for kind, augmentation in kinds.items():
        net = trained(augmentation, parts, epochs, seeds)
        every = replace(augmentation, reflect=1.0) if augmentation.reflect else augmentation
        drawn = zip(unchanged, map(np.random.default_rng, seeds), strict=True)
        changed = [every(images, rng) for images, rng in drawn]
        ends = read(net, unchanged), read(plain, changed), read(net, changed)
        for own, test, before, after in zip(found, *ends, strict=True):
            own.test[kind], own.before[kind], own.after[kind] = test, before, after
    return found


def together(trials: Sequence[Comparison]) -> Comparison:
    """Chain the lists of some comparisons of the same kinds."""

    def chained(name: str) -> dict[str, list]:
        parts = [getattr(trial, name) for trial in trials]
        return {key: [value for part in parts for value in part[key]] for key in parts[0]}

    return Comparison(*(chained(field.name) for field in fields(Comparison)))


def changed(digits: Comparison, confidence: float) -> dict[str, Interval]:
    """Measure how much each kind adds to test accuracy, by intervals that all hold together at the confidence."""
    return {kind: digits.change(kind, 1 - (1 - confidence) / len(KINDS)) for kind in KINDS}


def trained(
    augmentation: Augmentation, parts: Sequence[Split], epochs: int, seeds: Sequence[int]
) -> mx.gluon.HybridBlock:
    """Train networks side by side, each on a split, with this augmentation, the rate falling to 0."""
    size = parts[0].train_images.shape[-1]
    net = small_networks.convolutional(batch_norm=True, count=len(parts), size=size)
    train_side_by_side(
        net,
        parts,
        epochs=epochs,
        seeds=seeds,
        batch_size=32,
        rate=lambda done: 0.05 * (1 - done),
        augment=lambda images, rng, done: augmentation(images, rng),
        score_each_epoch=False,
    )
    return net


def fashion_found() -> bool:
    """Whether Fashion-MNIST is on this machine; no claim downloads it."""
    return {name: found for name, found, _ in data.survey()}["fashion-mnist"]


@cache
def fashion() -> data.Dataset:
    """Load Fashion-MNIST."""
    return data.load("fashion-mnist")


def fashion_split(seed: int) -> Split:
    """Draw images to train and to test on, four pixels averaged into one: (N, 1, 14, 14)."""
    rng, whole = np.random.default_rng([seed, 60000]), fashion()

    def drawn(part: data.Part, count: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = rng.permutation(len(part.labels))[:count]
        images = whole.normalise(part.images[chosen]).reshape(count, 1, 14, 2, 14, 2).mean(axis=(3, 5))
        return images, part.labels[chosen]

    return Split(*drawn(whole.train, FASHION_EXAMPLES), *drawn(whole.test, 1000))


def correction(digits: Comparison, fashion: Comparison | None, changes: dict[str, Interval]) -> str:
    """Say which kinds keep the label, and of which images."""
    keeping, changing = sides(changes, -MARGIN)
    kept = np.mean(digits.readings["reflected"], axis=0).diagonal()
    lost = ", ".join(str(digit) for digit in range(10) if kept[digit] < 0.1)
    six_as_nine = np.mean(digits.readings["turned by 180°"], axis=0)[6, 9]
    text = (
        "A change makes new training images if it keeps their label, and that depends on what they show. For "
        f"digits these keep it: {', '.join(keeping)}; this does not: {', '.join(changing)}. Reflected, "
        f"{100 * kept[0]:.0f}% of the 0s are read rightly, but of each of {lost} less than 10%. It depends on "
        f"the amount too: turned by 180°, {100 * six_as_nine:.0f}% of the 6s are read as 9."
    )
    if fashion:
        text += (
            f" On Fashion-MNIST reflection changes test accuracy by {points(fashion.change('reflection'))} "
            "points."
        )
    return text


def _kinds_table(digits: Comparison, fashion: Comparison | None, changes: dict[str, Interval]) -> Table:
    rows = [
        (kind, amount, percent(digits.before[kind]), percent(digits.after[kind]), points(changes[kind]))
        for kind, amount in zip(KINDS, AMOUNTS, strict=True)
    ]
    if fashion:
        kind = "reflection"
        reads = percent(fashion.before[kind]), percent(fashion.after[kind])
        rows.append((FASHION_REFLECTION, AMOUNTS[0], *reads, points(fashion.change(kind))))
    return Table(
        "Changed test images (reflection: all of them) read rightly, in %, ± 95% interval, by a network that "
        "learned the images as they are and by one that learned with this kind; and what the kind adds to the "
        "accuracy on unchanged test images, in percentage points, with the interval that decides",
        ("kind", "amount", "read before", "read after", "adds to test accuracy"),
        rows,
    )


def _readings_table(digits: Comparison) -> Table:
    mean = {change: np.mean(digits.readings[change], axis=0) for change in CHANGES}
    rows = []
    for digit in range(10):
        row = [digit, f"{100 * mean['as it is'][digit, digit]:.0f}"]
        for change in ("reflected", "turned by 180°"):
            shares = mean[change][digit]
            row += [f"{100 * shares[digit]:.0f}", f"{shares.argmax()} ({100 * shares.max():.0f}%)"]
        rows.append(tuple(row))
    return Table(
        "A network that learned digits as they are reads changed ones: rightly, in %, and what it takes them "
        "for most often; mean of the seeds",
        ("digit", "as it is", "reflected", "read as", "turned by 180°", "read as"),
        rows,
    )


def _pictures(seed: int) -> Figure:
    names = ["2", "3", "6", "7"]
    grid = _picture_grid(data.load("digits"), (2, 3, 6, 7), 7, KINDS, seed)
    if fashion_found():
        names += ["sneaker", "shirt", "bag"]
        stronger = {**KINDS, "translation": Augmentation(translate=4)}  # of 28 pixels, as 1 of 8
        grid = np.concatenate([grid, _picture_grid(fashion(), (7, 6, 8), 2, stronger, seed)], axis=1)
    drawing, (axes,) = figures.new(1, height=3.9)
    axes.imshow(grid, cmap="gray", interpolation="nearest", vmin=0, vmax=1)
    axes.set_xticks(CELL * np.arange(len(names)) + CELL // 2, names)
    axes.set_yticks(CELL * np.arange(5) + CELL // 2, ("as it is", *KINDS))
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return Figure.of(
        drawing,
        "Digits 2, 3, 6 and 7, 8×8 pixels"
        + (", and a sneaker, a shirt and a bag of Fashion-MNIST, 28×28 pixels" if fashion_found() else "")
        + ", as they are and under each kind. A mirrored 2 is no 2; a mirrored shoe is a shoe.",
    )


def _picture_grid(
    whole: data.Dataset, classes: tuple[int, ...], zoom: int, kinds: dict[str, Augmentation], seed: int
) -> np.ndarray:
    """Draw an image of each class (a column), as it is and under each of the 4 kinds (5 rows), as one grey image.

    Its values go from 0 to 1; between the pictures they are NaN.
    """
    rng = np.random.default_rng(seed)
    chosen = [rng.choice(np.flatnonzero(whole.train.labels == label)) for label in classes]
    images = whole.normalise(whole.train.images[chosen])
    low, high = images.min(), images.max()
    always = {**kinds, "reflection": Augmentation(reflect=1)}
    rows = [images, *(kind(images, rng) for kind in always.values())]
    grid = np.full((CELL * len(rows), CELL * len(classes)), np.nan)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            picture = np.kron((image[0] - low) / (high - low), np.ones((zoom, zoom)))
            grid[CELL * i : CELL * i + len(picture), CELL * j : CELL * j + len(picture)] = picture.clip(0, 1)
    return grid


def _accuracy_figure(digits: Comparison, fashion: Comparison | None, changes: dict[str, Interval]) -> Figure:
    drawing, (above, below) = figures.new(2, height=2.8)
    figures.whiskers(above, range(4), list(changes.values()), 0, label="digits")
    if fashion:
        figures.whiskers(above, [0.2], [fashion.change("reflection")], 1, label="Fashion-MNIST")
    above.axhline(0, color=figures.INK, lw=1)
    above.set_xticks(range(4), KINDS)
    above.set(ylabel="accuracy added (points)", title="What training with a kind adds")
    figures.legend(above, loc="lower right")
    for index, change in enumerate(CHANGES):
        rights = np.diagonal(digits.readings[change], axis1=1, axis2=2).T  # (10 digits, seeds)
        x = np.arange(10) + 0.2 * (index - 1)
        figures.whiskers(below, x, [interval(right) for right in rights], index, label=change)
    below.set_xticks(range(10))
    below.set(
        xlabel="digit",
        ylabel="read rightly (%)",
        title="Digits read after learning them as they are",
        ylim=(-5, 130),
    )
    below.set_yticks(range(0, 101, 25))
    figures.legend(below, loc="upper center", ncols=3)
    caption = (
        "Top: change in accuracy on unchanged test images, in percentage points, with the intervals that "
        "decide (Fashion-MNIST: 95%). Bottom: accuracy on each digit's test images, with 95% intervals."
    )
    return Figure.of(drawing, caption)
