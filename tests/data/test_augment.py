import numpy as np
import pytest

from mx_notes import data
from mx_notes.data import Augmentation, strength


@pytest.fixture(scope="module")
def images():
    digits = data.load("digits")
    return digits.normalise(digits.train.images[:200])


def rng(seed=0):
    return np.random.default_rng(seed)


def test_all_off_leaves_the_images_alone(images):
    np.testing.assert_array_equal(Augmentation()(images, rng()), images)


def test_strength_zero_is_off(images):
    strong = Augmentation(reflect=1, translate=2, rotate=30, noise=1)
    np.testing.assert_array_equal(strong(images, rng(), strength=0.0), images)


@pytest.mark.parametrize(
    "augmentation",
    [
        Augmentation(reflect=0.5),
        Augmentation(translate=2),
        Augmentation(rotate=15),
        Augmentation(noise=0.1),
        Augmentation(0.5, 2, 15, 0.1),
    ],
)
def test_changes_a_copy_reproducibly(images, augmentation):
    before = images.copy()
    once, again = augmentation(images, rng(1)), augmentation(images, rng(1))
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(once, again)
    assert once.dtype == np.float32 and once.shape == images.shape
    assert not np.array_equal(once, images)
    assert not np.array_equal(once, augmentation(images, rng(2)))


def test_reflect_is_left_to_right_with_its_probability(images):
    np.testing.assert_array_equal(Augmentation(reflect=1)(images, rng()), images[..., ::-1])
    mirrored = _mirrored(Augmentation(reflect=0.5)(images, rng()), images)
    weak = _mirrored(Augmentation(reflect=0.5)(images, rng(), strength=0.2), images)
    # Of 200, 100 and 20 expected: four standard deviations of the binomial are 28 and 17.
    assert abs(mirrored.sum() - 100) < 28
    assert abs(weak.sum() - 20) < 17


def _mirrored(augmented, images):
    for image, original in zip(augmented, images, strict=True):
        assert np.array_equal(image, original) or np.array_equal(image, original[..., ::-1])
    return np.array([not np.array_equal(a, b) for a, b in zip(augmented, images, strict=True)])


def test_translate_is_a_crop_of_the_padded_image(images):
    pad = 2
    height, width = images.shape[2:]
    padded = np.pad(images, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    crops = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(2, 3))
    moved = Augmentation(translate=pad)(images, rng())
    found = set()
    for number, image in enumerate(moved):
        places = [(y, x) for y in range(5) for x in range(5) if np.array_equal(crops[number, :, y, x], image)]
        assert places
        found.update(places)
    assert len(found) == 25  # 200 images in 25 places: each missed with a chance of 0.03%


def test_rotate_turns_about_the_centre():
    images = np.zeros((50, 2, 9, 9), np.float32)
    images[:, :, 4, :] = 1  # a horizontal bar
    turned = Augmentation(rotate=45)(images, rng())
    np.testing.assert_allclose(turned[:, :, 4, 4], 1, atol=0.05)  # linear interpolation
    np.testing.assert_array_equal(turned[:, 0], turned[:, 1])
    assert len({image.tobytes() for image in turned}) > 40  # OpenCV rounds, so that two may agree
    # By at most 45 degrees, the bar's ends stay on or under the diagonals.
    assert np.all(turned[:, :, 0, 4] == 0) and np.all(turned[:, :, 8, 4] == 0)


def test_noise_is_in_units_of_the_data(images):
    difference = Augmentation(noise=0.3)(images, rng()) - images
    assert difference.std() == pytest.approx(0.3, rel=0.03)  # 12,800 values: sampling error about 0.6%
    assert abs(difference.mean()) < 0.02
    half = Augmentation(noise=0.3)(images, rng(), strength=0.5) - images
    assert half.std() == pytest.approx(0.15, rel=0.03)


def test_strength_falls_to_zero_over_the_last_epochs():
    assert [strength(epoch, 6, 3) for epoch in range(6)] == pytest.approx([1, 1, 1, 2 / 3, 1 / 3, 0])
    assert [strength(epoch, 3, 0) for epoch in range(3)] == [1, 1, 1]
