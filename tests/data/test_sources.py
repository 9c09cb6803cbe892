import gzip
import struct
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from mx_notes import data
from mx_notes.data import sources
from mx_notes.errors import UserError

DIGITS = load_digits()
PARTS = ("train", "validation", "test")


def idx_file(array):
    return (
        struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape)
        + array.astype(np.uint8).tobytes()
    )


@pytest.fixture
def folder(tmp_path):
    """Fashion-MNIST's four files, small: scanned digits; two compressed, two not."""
    for prefix, chosen in (("train", slice(0, 100)), ("t10k", slice(100, 140))):
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx_file(DIGITS.images[chosen]))
        (tmp_path / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(idx_file(DIGITS.target[chosen]))
        )
    return tmp_path


def test_names():
    assert data.names() == ("digits", "fashion-mnist", "cifar10", "imagerecord", "folder", "synthetic")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fashion_mnist", "did you mean fashion-mnist?"),
        ("cifar-10", "did you mean cifar10?"),
        ("q", "expected one of digits, fashion-mnist, cifar10, imagerecord, folder, synthetic"),
    ],
)
def test_unknown_name(name, message):
    with pytest.raises(UserError) as caught:
        data.load(name)
    assert str(caught.value) == f"no data set {name!r}: {message}"


def test_unknown_folder(tmp_path):
    with pytest.raises(UserError, match="nowhere: no such folder"):
        data.load("cifar10", data_dir=tmp_path / "nowhere")


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_impossible_validation_fraction(fraction):
    with pytest.raises(UserError, match=f"validation={fraction}: expected a fraction"):
        data.load("digits", validation=fraction)


def test_digits_are_each_in_one_part():
    digits = data.load("digits")
    assert digits.shape == (1, 8, 8) and digits.classes == tuple("0123456789")
    parts = [getattr(digits, name) for name in PARTS]
    everything = DIGITS.images.astype(np.uint8)
    assert sorted(i.tobytes() for p in parts for i in p.images) == sorted(i.tobytes() for i in everything)
    assert len(digits.test.labels) == 299 and len(digits.validation.labels) == 149
    for part in parts:  # stratified: the ten classes are all but equally frequent
        assert np.ptp(np.bincount(part.labels)) <= 0.1 * len(part.labels) / 10 + 1


def test_the_test_part_is_the_same_in_every_run_the_validation_part_follows_the_seed():
    one, again, other = data.load("digits", seed=1), data.load("digits", seed=1), data.load("digits", seed=2)
    np.testing.assert_array_equal(one.test.images, other.test.images)
    np.testing.assert_array_equal(one.validation.images, again.validation.images)
    assert not np.array_equal(one.validation.images, other.validation.images)
    assert len(data.load("digits", validation=0.3).validation.labels) == pytest.approx(0.3 * 1498, abs=5)


def test_synthetic_is_learnable_and_always_the_same():
    one, again = data.load("synthetic"), data.load("synthetic")
    np.testing.assert_array_equal(one.train.images, again.train.images)
    means = np.stack([one.train.images[one.train.labels == label].mean(axis=0) for label in range(10)])
    distances = ((one.test.images[:, None] - means) ** 2).sum(axis=(2, 3, 4))
    assert (distances.argmin(axis=1) == one.test.labels).mean() > 0.95


@pytest.mark.skipif(not sources.FASHION_DEBIAN.is_dir(), reason="apt-get install dataset-fashion-mnist")
def test_fashion_mnist():
    dataset = data.load("fashion-mnist")
    assert [len(getattr(dataset, part).labels) for part in PARTS] == [54_000, 6_000, 10_000]
    assert dataset.shape == (1, 28, 28) and dataset.train.images.dtype == np.uint8
    assert dataset.classes[0] == "T-shirt/top" and dataset.classes[9] == "ankle boot"
    # 0.2860 and 0.3530 of 255 are the published values for all 60,000.
    assert dataset.mean[0] == pytest.approx(0.2860 * 255, rel=0.005)
    assert dataset.std[0] == pytest.approx(0.3530 * 255, rel=0.005)


@pytest.mark.parametrize("below", ["", "fashion-mnist"])
def test_fashion_mnist_in_a_folder(folder, tmp_path_factory, below):
    given = folder
    if below:
        given = tmp_path_factory.mktemp("above")
        (given / below).symlink_to(folder)
    dataset = data.load("fashion-mnist", data_dir=given)
    assert dataset.source == str(given / below)
    assert len(dataset.train.labels) + len(dataset.validation.labels) == 100
    np.testing.assert_array_equal(dataset.test.images[:, 0], DIGITS.images[100:140])


def test_fashion_mnist_with_a_file_missing(folder):
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(UserError, match=r"has no t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte\.gz"):
        data.load("fashion-mnist", data_dir=folder)


@pytest.mark.parametrize("prefix", ["train", "t10k"])
def test_fashion_mnist_with_other_counts(folder, prefix):
    path = folder / f"{prefix}-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(idx_file(np.zeros(39, np.uint8))))
    with pytest.raises(UserError, match=r"(100 training|40) images but 39 labels"):
        data.load("fashion-mnist", data_dir=folder)


def test_fashion_mnist_with_a_label_outside_the_classes(folder):
    labels = DIGITS.target[100:140].copy()
    labels[5] = 10
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_file(labels)))
    with pytest.raises(UserError, match="fashion-mnist, test part: label 10 of example 5 "):
        data.load("fashion-mnist", data_dir=folder)


def test_fashion_mnist_with_files_exchanged(folder):
    (folder / "t10k-labels-idx1-ubyte").write_bytes((folder / "t10k-images-idx3-ubyte").read_bytes())
    with pytest.raises(
        UserError, match="t10k-labels-idx1-ubyte: begins with 0x00000803, expected 0x00000801"
    ):
        data.load("fashion-mnist", data_dir=folder)


def test_survey(folder):
    found = {name: (there, where) for name, there, where in data.survey(folder)}
    assert tuple(found) == data.names()
    assert found["fashion-mnist"] == (True, str(folder))
    assert found["digits"][0] and found["synthetic"][0]
    assert not found["imagerecord"][0] and "train.rec" in found["imagerecord"][1]


def test_a_data_set_is_loaded_without_opening_mxnet():
    """A wrong name or file is told at once, not after the seconds that MXNet takes to open."""
    code = "import sys; from mx_notes import data; data.load('synthetic'); print('mxnet' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
