"""Small RecordIO files of scanned digits, in colour and of other sizes, written by MXNet itself."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from digit_records import DIGITS, picture, png, write, write_raw

from mx_notes import data
from mx_notes.data import Augmentation
from mx_notes.data.formats import recordio
from mx_notes.errors import UserError
from mx_notes.runtime import mx

SIZE = 32
COUNT = 23


def jpeg_of(number):
    return cv2.imencode(".jpg", np.ascontiguousarray(picture(number)[:, :, ::-1]))[1].tobytes()


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, "train", range(COUNT))
    write(tmp_path, "val", range(100, 110))
    return tmp_path


@pytest.fixture
def dataset(folder):
    return data.load("imagerecord", data_dir=folder, image_size=SIZE)


def arrays(batches):
    batches = list(batches)
    return np.concatenate([b.data[0].asnumpy() for b in batches]), np.concatenate(
        [b.label[0].asnumpy() for b in batches]
    )


def test_evaluation_feeds_every_example_once_in_order(dataset):
    feed = dataset.evaluation("train", 8)
    batches = list(feed.epoch(0))
    assert (
        [len(batch.label[0]) for batch in batches] == [8, 8, 7] and feed.steps == 3 and feed.examples == COUNT
    )
    assert all(batch.pad == 0 and batch.provide_data[0].shape == batch.data[0].shape for batch in batches)
    images, labels = arrays(batches)
    np.testing.assert_array_equal(labels, DIGITS.target[:COUNT])
    pixels = np.stack([picture(number).transpose(2, 0, 1) for number in range(COUNT)]).astype(np.float32)
    expected = (pixels - dataset.mean[:, None, None]) / dataset.std[:, None, None]
    np.testing.assert_allclose(images, expected, atol=1e-5)  # MXNet multiplies by 1/std: float32 rounding


def test_statistics_are_of_the_training_records(dataset):
    pixels = np.stack([picture(number) for number in range(COUNT)]).reshape(-1, 3).astype(np.float64)
    np.testing.assert_allclose(dataset.mean, pixels.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(dataset.std, pixels.std(axis=0), rtol=1e-5)


def test_training_feeds_every_example_once_in_an_order_of_seed_and_epoch(dataset):
    def epoch(number, seed=1):
        return arrays(dataset.training(8, seed=seed).epoch(number))

    images, labels = epoch(0)
    expected, _ = arrays(dataset.evaluation("train", 8).epoch(0))
    assert sorted(i.tobytes() for i in images) == sorted(i.tobytes() for i in expected)
    np.testing.assert_array_equal(images, epoch(0)[0])
    np.testing.assert_array_equal(labels, epoch(0)[1])
    assert not np.array_equal(images, epoch(1)[0])
    assert not np.array_equal(images, epoch(0, seed=2)[0])


def test_start_in_mid_epoch_gives_the_same_batches(dataset):
    feed = dataset.training(8, seed=3, augmentation=Augmentation(0.5, 3, 10, 0.1))
    whole, rest = arrays(feed.epoch(4))[0], arrays(feed.epoch(4, start=1))[0]
    np.testing.assert_array_equal(whole[8:], rest)


def test_augmentation_is_that_of_the_batch(dataset):
    plain = arrays(dataset.training(8, seed=3).epoch(0))[0]
    mirrored = arrays(dataset.training(8, seed=3, augmentation=Augmentation(reflect=1)).epoch(0))[0]
    np.testing.assert_array_equal(mirrored, plain[..., ::-1])
    calm = dataset.training(8, seed=3, augmentation=Augmentation(reflect=1), strength=lambda epoch: 0.0)
    np.testing.assert_array_equal(arrays(calm.epoch(0))[0], plain)


def test_a_batch_larger_than_the_data(dataset):
    (batch,) = dataset.training(64, seed=1).epoch(0)
    assert batch.data[0].shape == (COUNT, 3, SIZE, SIZE)
    assert sorted(batch.label[0].asnumpy()) == sorted(DIGITS.target[:COUNT])


def test_other_sizes_are_resized_by_the_shorter_edge_and_cut(folder):
    write(
        folder, "val", range(100, 104), image=lambda number: np.repeat(np.repeat(picture(number), 2, 0), 3, 1)
    )
    dataset = data.load("imagerecord", data_dir=folder, image_size=SIZE)
    images, _ = arrays(dataset.evaluation("validation", 4).epoch(0))
    assert images.shape == (4, 3, SIZE, SIZE)


def test_without_a_test_file_the_validation_file_is_both_and_that_is_said(dataset, folder):
    assert "no test.rec: val.rec is scored as the test part, too" in dataset.source
    write(folder, "test", range(200, 205))
    three = data.load("imagerecord", data_dir=folder, image_size=SIZE)
    assert three.source == str(folder)
    assert [three.evaluation(part, 9).examples for part in ("train", "validation", "test")] == [COUNT, 10, 5]


def test_class_names(dataset, folder):
    assert dataset.classes == tuple("0123456789") and dataset.shape == (3, SIZE, SIZE)
    (folder / "classes.txt").write_text("\n".join(f"digit {n}" for n in range(10)) + "\n")
    assert data.load("imagerecord", data_dir=folder).classes[3] == "digit 3"
    for names in ("a\n\nb\n", "a\n\x1b[31mb\n", "a" * (2 << 20)):
        (folder / "classes.txt").write_text(names)
        with pytest.raises(UserError, match=r"classes\.txt: "):
            data.load("imagerecord", data_dir=folder)
    (folder / "classes.txt").write_text("a\nb\nc\n")
    with pytest.raises(UserError, match=r"train\.rec: label 3 of record 3 .* 3 classes, 0 to 2"):
        data.load("imagerecord", data_dir=folder)


@pytest.mark.parametrize("missing", ["train.rec", "train.idx", "val.rec"])
def test_missing_file(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(UserError, match=f"no {missing} in {folder}"):
        data.load("imagerecord", data_dir=folder)


def test_no_folder_named():
    with pytest.raises(UserError, match="expected a data_dir"):
        data.load("imagerecord")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda whole: b"", "empty"),
        (lambda whole: whole[:-5], "truncated: it ends before the "),
        (lambda whole: whole + b"\x0a\x23", "truncated: 2 bytes at byte "),
        (lambda whole: b"JUNK" + whole[4:], "0x4b4e554a at byte 0, expected RecordIO's mark 0xced7230a"),
        (
            lambda whole: whole[:4] + struct.pack("<I", (1 << 29) - 1) + whole[8:],
            "truncated: it ends before the 536870911",
        ),
        (lambda whole: whole[:4] + struct.pack("<I", 2 << 29 | 40) + whole[8:], "out of order"),
        (lambda whole: whole[:8] + struct.pack("<I", 4) + whole[12:], "has 4 labels, expected one"),
        (lambda whole: whole[:12] + struct.pack("<f", -1) + whole[16:], "label -1.0 in the record at byte 0"),
        (
            lambda whole: whole[:12] + struct.pack("<f", 1 << 23) + whole[16:],  # as many classes, and names
            "label 8388608.0 in the record at byte 0, expected a class from 0 to 65535",
        ),
        (lambda whole: whole[:12] + struct.pack("<f", 1.5) + whole[16:], "label 1.5 in the record at byte 0"),
        (
            lambda whole: whole[:12] + struct.pack("<f", float("nan")) + whole[16:],
            "label nan in the record at byte 0",
        ),
        (lambda whole: whole[:4] + struct.pack("<I", 24) + whole[8:32] + whole, "too short for an image"),
    ],
)
@pytest.mark.parametrize("name", ["train.rec", "val.rec"])
def test_damaged_records(folder, name, damage, message):
    path = folder / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError) as caught:
        data.load("imagerecord", data_dir=folder)
    assert message in str(caught.value) and str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: "",
        lambda whole: "0\t0\n",
        lambda whole: "words\tmore words\n",
        lambda whole: whole + "0\n",
        # What MXNet would read otherwise: it takes numbers in pairs, and stops at what is none.
        lambda whole: whole.replace("\n", "\t9\n", 1),
        lambda whole: whole.replace("1\t", "1_0\t", 1),
        lambda whole: whole.replace("0\t", "99999999999999999999\t", 1),
        lambda whole: whole.replace("0\t", "-0\t", 1),
        lambda whole: whole + "\n" * 10_000,
    ],
)
def test_an_index_that_is_not_that_of_the_records(folder, change):
    (folder / "train.idx").write_text(change((folder / "train.idx").read_text()))
    with pytest.raises(UserError, match=r"train\.idx: "):
        data.load("imagerecord", data_dir=folder)


@pytest.mark.parametrize("name", ["train.rec", "val.rec"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda image: b"\xff\xd8 no image" * 9, "at byte 0 holds no JPEG or PNG image"),
        (lambda image: image[:-20], "PNG image in the record at byte 0 is truncated"),
    ],
)
def test_an_image_that_would_end_the_process_in_mxnet(folder, name, content, message):
    write_raw(folder / name, [content(png(0))] * 10)
    with pytest.raises(UserError, match=message):
        data.load("imagerecord", data_dir=folder)


def damaged_inside(whole):
    image = bytearray(whole)
    image[len(image) // 2] ^= 0xFF
    return bytes(image)


def png_of(height, width):
    """A whole PNG, checksums included, of one row of zeros, whatever its header says."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return recordio.PNG + header + chunk(b"IDAT", zlib.compress(bytes(width + 1))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("name", ["train.rec", "val.rec"])
@pytest.mark.parametrize(
    "image",
    [
        damaged_inside(png(0)),
        jpeg_of(0)[:200],  # no frame header, no end
        jpeg_of(0)[:20] + bytes(900),
        png(0)[:24] + png(0)[33:],
        png_of(60_000, 1000),  # a few hundred bytes that ask for 180 MB
        jpeg_of(0).replace(struct.pack(">HH", SIZE, SIZE), struct.pack(">HH", 60_000, 60_000), 1),
        png(0)[:33] + struct.pack(">I", 1 << 30) + png(0)[37:],  # a chunk of 1 GB, says its length
    ],
)
def test_an_image_that_opencv_cannot_decode_never_reaches_mxnet(folder, name, image):
    """MXNet would end the process (SIGFPE): one record among good ones, found when the data is loaded."""
    write_raw(folder / name, [*map(png, range(4)), image, *map(png, range(5, 10))])
    with pytest.raises(UserError, match=rf"{name}: (record 4 .* not an image that OpenCV|.* truncated)"):
        data.load("imagerecord", data_dir=folder, image_size=SIZE)


def test_a_record_that_contains_the_magic_number(tmp_path):
    """MXNet cuts it there into parts: they are one example, and its bytes come back whole."""
    mark = struct.pack("<I", recordio.MAGIC)
    start = recordio.JPEG + b"."
    contents = [
        start + b"plain " * 9,
        start + b"1234" * 5 + mark + b"5678" + mark + b"end",
        start + b"last " * 5,
    ]
    writer = mx.recordio.MXRecordIO(str(tmp_path / "parts.rec"), "w")
    for number, content in enumerate(contents):
        writer.write(mx.recordio.pack(mx.recordio.IRHeader(0, float(number), 0, 0), content))
    writer.close()
    records = recordio.scan(tmp_path / "parts.rec")
    np.testing.assert_array_equal(records.labels, [0, 1, 2])
    assert [recordio._content(records, number) for number in range(3)] == contents
