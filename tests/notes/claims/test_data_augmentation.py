"""Augmentation strength against the gap: its course through training, and the verdict's criterion."""

import numpy as np
import pytest

from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.claims import data_augmentation
from mx_notes.notes.claims.data_augmentation import fading, trained, verdict
from mx_notes.notes.lab.intervals import interval

MORE = interval([0.010, 0.012, 0.009, 0.011, 0.013])
LESS = interval([-0.010, -0.012, -0.009, -0.011, -0.013])
NOISE = interval([0.01, -0.01, 0.02, -0.02, 0.0])


@pytest.fixture(scope="module")
def evidence():
    """A quick run on two seeds, too few to decide but all there is to measure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_augmentation, "QUICK_LOOKS", (2,))
        return data_augmentation.measure(Setting(quick=True))


def test_fading_is_full_for_two_thirds_and_ends_at_none():
    assert fading(0.0) == fading(0.6) == 1
    assert fading(5 / 6) == pytest.approx(0.5)
    assert fading(1.0) == 0


@pytest.mark.slow
def test_every_strength_is_trained_on_every_seed(evidence):
    numbers = evidence.numbers
    seeds = len(numbers["constant"]["test"])
    assert seeds == 2
    for images in ("train", "train_augmented", "test"):
        assert np.shape(numbers["constant"][images]) == (seeds, 3)
        assert np.shape(numbers["reduced"][images]) == (seeds, 2)
    assert f"{seeds} seeds" in evidence.sample and "fewer strengths" in evidence.sample


@pytest.mark.slow
def test_without_augmentation_the_training_images_are_seen_as_they_are(evidence):
    constant = evidence.numbers["constant"]
    np.testing.assert_array_equal(
        np.array(constant["train"])[:, 0], np.array(constant["train_augmented"])[:, 0]
    )


@pytest.mark.slow
def test_the_gap_is_training_minus_test_accuracy(evidence):
    constant = evidence.numbers["constant"]
    gap = np.array(constant["train"]) - np.array(constant["test"])
    # Means of differences in float64: only rounding separates them.
    assert evidence.numbers["gap_narrower"].mean == pytest.approx((gap[:, 0] - gap[:, 1]).mean(), abs=1e-12)


@pytest.mark.slow
def test_more_images_are_trained_as_often(evidence):
    narrower = evidence.numbers["gap_narrower_by_images"]
    assert list(narrower) == [data_augmentation.EXAMPLES, 300]
    assert len({each.trials for each in narrower.values()}) == 1


def test_a_training_repeats_from_its_seed():
    assert trained(1, fading, [3]).tolist() == trained(1, fading, [3]).tolist()


def test_planted_effects_decide_the_verdict():
    assert verdict(MORE, MORE, NOISE)[0] is Verdict.CONFIRMED
    assert verdict(MORE, MORE, MORE)[0] is Verdict.CONFIRMED
    assert verdict(MORE, MORE, LESS)[0] is Verdict.CORRECTED  # a narrow gap at the price of accuracy
    assert verdict(NOISE, MORE, MORE)[0] is Verdict.INCONCLUSIVE
    assert verdict(MORE, NOISE, LESS)[0] is Verdict.INCONCLUSIVE
    assert verdict(LESS, MORE, MORE)[0] is Verdict.REFUTED
    assert verdict(MORE, LESS, MORE)[0] is Verdict.REFUTED
