"""Kinds of augmentation: the changes, how they are read, and the verdict's criterion."""

import numpy as np
import pytest

from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.claims import augmentation_kinds
from mx_notes.notes.claims.augmentation_kinds import KINDS, half_turned, readings, reflected, verdict
from mx_notes.notes.lab import small_networks
from mx_notes.notes.lab.intervals import interval
from mx_notes.notes.lab.splits import Split
from mx_notes.runtime import mx

KEEPS = interval([0.001, -0.002, 0.003, 0.0, -0.001])
CHANGES = interval([-0.040, -0.042, -0.039, -0.041, -0.043])
NOISE = interval([0.05, -0.05, 0.04, -0.04, -0.02])


@pytest.fixture(scope="module")
def evidence():
    """A quick run on two seeds, too few to decide but all there is to measure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(augmentation_kinds, "QUICK_LOOKS", (2,))
        return augmentation_kinds.measure(Setting(quick=True))


def test_reflection_and_half_turn():
    image = np.array([[[[1, 2], [3, 4]]]])
    assert reflected(image)[0, 0].tolist() == [[2, 1], [4, 3]]
    assert half_turned(image)[0, 0].tolist() == [[4, 3], [2, 1]]


def test_a_reader_of_one_pixel_is_counted_rightly():
    """A network that says 1 where the left pixel is bright and 2 where it is dark, on reflected images too."""
    net = small_networks.perceptron()
    net.initialize()
    bright_left, bright_right = np.array([[[[1, 0]]], [[[0, 1]]]], np.float32)
    images = np.stack([bright_left] * 3 + [bright_right] * 2)
    every = np.stack([bright_left] * 10)
    labels = np.array([1, 1, 1, 2, 2], np.int32)
    net(mx.nd.array(images))  # gives the weights their shapes
    weight = np.zeros((10, 2), np.float32)
    weight[1, 0] = weight[2, 1] = 1
    net[0].weight.set_data(mx.nd.array(weight))
    classes = np.arange(10, dtype=np.int32)
    split = Split(images, labels, np.concatenate([images, every]), np.concatenate([labels, classes]))
    (as_it_is,) = readings(net, [split], lambda images: images)
    (turned,) = readings(net, [split], reflected)
    assert as_it_is[1, 1] == 1 and turned[1, 2] == 1
    # Of class 2, two images are bright on the right, one on the left.
    assert as_it_is[2, 2] == turned[2, 1] == pytest.approx(2 / 3)


@pytest.mark.slow
def test_every_kind_is_trained_on_every_seed(evidence):
    digits = evidence.numbers["digits"]
    assert digits.test.keys() == {"none", *KINDS}
    (number,) = {len(values) for values in digits.test.values()}
    assert number == 2 and f"{number} seeds" in evidence.sample
    assert "no training on Fashion-MNIST" in evidence.sample


@pytest.mark.slow
def test_readings_are_fractions_of_each_class(evidence):
    for seeds in evidence.numbers["digits"].readings.values():
        # Ten fractions in float64.
        np.testing.assert_allclose(np.sum(seeds, axis=2), 1, rtol=1e-12)


@pytest.mark.slow
def test_a_turned_six_is_read_as_nine_more_often_than_as_six(evidence):
    turned = np.mean(evidence.numbers["digits"].readings["turned by 180°"], axis=0)
    assert turned[6, 9] > turned[6, 6]


@pytest.mark.slow
def test_the_picture_holds_its_images_without_a_network(evidence):
    picture = evidence.figures[0].svg
    assert "data:image/png;base64," in picture
    assert "http" not in picture.partition("<image")[2].partition("data:")[0]


def test_planted_effects_decide_the_verdict():
    def of(*intervals):
        return verdict(dict(zip(KINDS, intervals, strict=True)))[0]

    assert of(KEEPS, KEEPS, KEEPS, KEEPS) is Verdict.CONFIRMED
    assert of(CHANGES, KEEPS, KEEPS, KEEPS) is Verdict.CORRECTED
    assert of(CHANGES, KEEPS, NOISE, KEEPS) is Verdict.CORRECTED
    assert of(CHANGES, CHANGES, CHANGES, CHANGES) is Verdict.REFUTED
    assert of(KEEPS, KEEPS, KEEPS, NOISE) is Verdict.INCONCLUSIVE
    assert of(CHANGES, NOISE, NOISE, NOISE) is Verdict.INCONCLUSIVE
