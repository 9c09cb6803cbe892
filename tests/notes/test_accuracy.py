"""Statistical claims on accuracy: a planted effect is found, a null effect is inconclusive, damage refutes."""

import numpy as np
import pytest

from mx_notes.notes import augmentation_kinds, batch_size, data_augmentation, learning_rate
from mx_notes.notes.accuracy import percent, points
from mx_notes.notes.claim import Verdict
from mx_notes.notes.statistics import Interval, difference, interval

UP, DOWN, NONE = (Interval(mean, mean - 0.01, mean + 0.01, 8) for mean in (0.05, -0.05, 0.0))


def test_intervals_hold_the_true_mean_as_often_as_they_say():
    rng = np.random.default_rng(1)
    held = [abs((i := interval(rng.normal(3, 2, 6))).mean - 3) <= i.high - i.mean for _ in range(2000)]
    assert 0.93 < np.mean(held) < 0.97  # 95% of 2,000: a standard deviation is 0.5 points


def test_a_paired_difference_is_sharper_than_the_spread_between_seeds():
    spread = np.linspace(0.8, 0.9, 8)
    assert difference(spread + 0.01 + 1e-4 * np.arange(8), spread).above_zero
    assert not difference(spread, spread[::-1]).above_zero


def test_accuracies_are_shown_in_per_cent():
    assert percent([0.96, 0.97, 0.98]) == "97.0 ± 2.5"
    assert points(UP) == "+5.0 [+4.0, +6.0]"


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ((UP, UP, NONE), Verdict.CONFIRMED),
        ((UP, UP, DOWN), Verdict.CORRECTED),
        ((DOWN, UP, UP), Verdict.REFUTED),
        ((NONE, UP, UP), Verdict.INCONCLUSIVE),
        ((UP, NONE, UP), Verdict.INCONCLUSIVE),
    ],
)
def test_augmentation(evidence, expected):
    assert data_augmentation.verdict(*evidence)[0] is expected


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ((UP, UP, UP), Verdict.CONFIRMED),
        ((UP, UP, DOWN), Verdict.CORRECTED),
        ((DOWN, UP, UP), Verdict.REFUTED),
        ((NONE, UP, UP), Verdict.INCONCLUSIVE),
    ],
)
def test_learning_rate(evidence, expected):
    assert learning_rate.verdict(*evidence)[0] is expected


def test_a_schedule_drops_where_it_says():
    assert learning_rate.stepped(0.5, 0.6) == 10 * learning_rate.stepped(0.7, 0.6)


@pytest.mark.parametrize(
    ("linear", "expected"),
    [
        ({64: DOWN, 256: DOWN, 1024: DOWN}, Verdict.CONFIRMED),
        ({64: NONE, 256: NONE, 1024: DOWN}, Verdict.CORRECTED),
        ({64: NONE, 256: NONE, 1024: NONE}, Verdict.REFUTED),
    ],
)
def test_batch_size(linear, expected):
    assert batch_size.verdict(UP, DOWN, linear)[0] is expected


def test_rates_scale_with_the_batch_after_the_warm_up():
    reference = batch_size.rate(1, batch_size.REFERENCE, "linear")
    assert batch_size.rate(1, 4 * batch_size.REFERENCE, "linear") == pytest.approx(4 * reference)
    assert batch_size.rate(1, 4 * batch_size.REFERENCE, "square root") == pytest.approx(2 * reference)
    assert batch_size.rate(0, 4 * batch_size.REFERENCE, "linear") == pytest.approx(reference)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([UP, NONE, UP, NONE], Verdict.CONFIRMED),
        ([DOWN, UP, UP, NONE], Verdict.CORRECTED),
        ([DOWN] * 4, Verdict.REFUTED),
        ([NONE] * 4, Verdict.INCONCLUSIVE),
    ],
)
def test_augmentation_kinds(changes, expected):
    evidence = dict(zip(augmentation_kinds.KINDS, changes, strict=True))
    assert augmentation_kinds.verdict(evidence)[0] is expected


def test_changed_images_are_the_same_pixels_elsewhere():
    images = np.arange(2 * 1 * 8 * 8, dtype="float32").reshape(2, 1, 8, 8)
    assert (augmentation_kinds.reflected(images)[:, :, :, 0] == images[:, :, :, -1]).all()
    twice = augmentation_kinds.half_turned(augmentation_kinds.half_turned(images))
    assert (twice == images).all()
