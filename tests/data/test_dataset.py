import numpy as np
import pytest

from mx_notes.data import Dataset, Part, sources
from mx_notes.errors import UserError


def parts():
    rng = np.random.default_rng(0)
    return {
        name: Part(
            rng.normal(5, [[[[2]], [[7]]]], (30, 2, 4, 4)).astype(np.float32),
            rng.integers(0, 3, 30, np.int32),
        )
        for name in ("train", "validation", "test")
    }


def build(**changed):
    return Dataset("mine", ("a", "b", "c"), **{**parts(), **changed}, source="a test")


def test_statistics_are_of_the_training_part_alone():
    dataset = build()
    loud = build(test=Part(parts()["test"].images * 100, parts()["test"].labels))
    expected = parts()["train"].images.astype(np.float64)
    # float32 of a float64 sum: half a unit in the last of 24 bits.
    np.testing.assert_allclose(dataset.mean, expected.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(dataset.std, expected.std(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_array_equal(loud.mean, dataset.mean)
    np.testing.assert_array_equal(loud.std, dataset.std)
    assert dataset.mean.dtype == dataset.std.dtype == np.float32
    assert dataset.shape == (2, 4, 4)


def test_normalised_training_part_has_mean_0_and_variance_1():
    dataset = build()
    pixels = dataset.normalise(dataset.train.images)
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels.mean(axis=(0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(pixels.std(axis=(0, 2, 3)), 1, atol=1e-5)


def test_a_constant_channel_is_not_divided_by_zero():
    images = parts()["train"].images
    images[:, 1] = 3
    assert np.isfinite(build(train=Part(images, parts()["train"].labels)).normalise(images)).all()


@pytest.mark.parametrize("label", [-1, 3])
def test_label_outside_the_classes(label):
    part = parts()["validation"]
    part.labels[7] = label
    with pytest.raises(
        UserError, match=rf"mine, validation part: label {label} of example 7 .* 3 classes, 0 to 2"
    ):
        build(validation=part)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers(value):
    part = parts()["test"]
    part.images[11, 1, 2, 3] = value
    with pytest.raises(UserError, match=f"mine, test part: pixel {value} in image 11 "):
        build(test=part)


def test_counts_differ():
    part = parts()["train"]
    with pytest.raises(UserError, match="train part: 30 images but 29 labels"):
        build(train=Part(part.images, part.labels[:-1]))


def test_sizes_differ():
    part = parts()["test"]
    with pytest.raises(UserError, match=r"test part: images of shape \(2, 4, 3\)"):
        build(test=Part(part.images[..., :3], part.labels))


def test_labels_that_are_not_whole_numbers():
    part = parts()["train"]
    with pytest.raises(UserError, match="train part: float32 labels"):
        build(train=Part(part.images, part.labels.astype(np.float32)))


def test_empty_part():
    part = parts()["validation"]
    with pytest.raises(UserError, match="validation part: no examples"):
        build(validation=Part(part.images[:0], part.labels[:0]))


def test_synthetic_can_have_another_form():
    training, test = sources.synthetic(examples=50, classes=4, shape=(3, 5, 6), seed=2)
    assert training.images.shape == (40, 3, 5, 6) and test.images.shape == (10, 3, 5, 6)
    assert set(np.unique(training.labels)) == {0, 1, 2, 3}
