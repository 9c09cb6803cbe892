"""The user's own pictures: what is read, how they are divided and made to fit, and what is refused in one line."""

import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from own_pictures import DIGITS, LARGE, encoded, pixels, write

from mx_notes import data
from mx_notes.data import contact_sheet, description, pictures
from mx_notes.data.formats import picture
from mx_notes.data.formats.picture import Unreadable
from mx_notes.errors import UserError


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "pics", range(100))


def load(folder, **options):
    return data.load("folder", data_dir=folder, **options)


def images(dataset, part):
    examples = getattr(dataset, part)
    return examples.pixels(np.arange(len(examples.labels)))


def test_every_picture_is_in_one_part_as_it_is_in_its_file(folder):
    dataset = load(folder)
    assert dataset.classes == tuple(f"digit {n}" for n in range(10)) and dataset.shape == (3, 28, 28)
    found = sorted(
        (int(label), image.tobytes())
        for part in data.dataset.PARTS
        for label, image in zip(getattr(dataset, part).labels, images(dataset, part), strict=True)
    )
    grey = [np.repeat(pixels(n)[None], 3, axis=0).tobytes() for n in range(100)]
    assert found == sorted(zip(DIGITS.target[:100].tolist(), grey, strict=True))


def test_the_split_is_of_each_class_and_of_the_seed_alone(folder):
    sizes = description.Description.of(load(folder)).examples
    assert all(min(counts) >= 1 for counts in sizes.values())
    one, same, other = load(folder, seed=1), load(folder, seed=1), load(folder, seed=2)
    np.testing.assert_array_equal(images(one, "train"), images(same, "train"))
    np.testing.assert_array_equal(images(one, "test"), images(other, "test"))
    assert not np.array_equal(images(one, "train"), images(other, "train"))


def test_parts_that_the_user_made_stay_as_they_are(tmp_path):
    write(tmp_path / "train", range(40))
    write(tmp_path / "val", range(40, 60))
    dataset = load(tmp_path)
    assert [len(getattr(dataset, part).labels) for part in data.dataset.PARTS] == [40, 20, 20]
    assert dataset.source == f"{tmp_path} (no test: val is scored as the test part, too)"
    write(tmp_path / "test", range(60, 75))
    assert len(load(tmp_path).test.labels) == 15
    (tmp_path / "val").rename(tmp_path / ".val")
    dataset = load(tmp_path)
    assert [len(getattr(dataset, part).labels) for part in data.dataset.PARTS] == [30, 10, 15]


def test_on_disk_and_in_memory_are_the_same_batches(folder, monkeypatch):
    def epoch(dataset, start=0):
        augmentation = data.Augmentation(reflect=0.5, translate=2)
        feed = dataset.training(16, seed=1, augmentation=augmentation)
        batches = list(feed.epoch(2, start))
        return [np.concatenate([b.data[0].asnumpy() for b in batches]), batches[0].label[0].asnumpy()]

    in_memory = load(folder)
    monkeypatch.setattr(pictures, "IN_MEMORY", 0)
    on_disk = load(folder)
    assert isinstance(on_disk.train, pictures.PicturePart) and isinstance(in_memory.train, data.Part)
    for one, other in ((epoch(in_memory), epoch(on_disk)), (epoch(in_memory, 2), epoch(on_disk, 2))):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_pictures_of_other_sizes_are_cut_in_the_middle_and_resized(tmp_path):
    write(tmp_path, range(40), LARGE, ".jpg")
    assert load(tmp_path).shape == (3, 224, 224)
    dataset = load(tmp_path, image_size=24)
    middles = [pixels(number, LARGE)[:, 80:560] for number in range(40)]
    expected = np.stack([cv2.resize(m, (24, 24), interpolation=cv2.INTER_AREA) for m in middles]).astype(int)
    # Decoded at a quarter of its size first, JPEG is not exact, and the cells' edges differ: 25 of 255.
    for image in images(dataset, "train"):
        assert np.abs(image[0] - expected).max(axis=(1, 2)).min() <= 25


def rotated(jpeg, orientation):
    """A JPEG with that EXIF orientation (Exif 2.3, 4.6.4: tag 0x0112)."""
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    segment = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


def test_a_camera_held_upright_gives_an_upright_picture():
    scene = np.zeros((32, 48, 3), np.uint8)
    scene[:, :24] = 255  # bright at the left
    jpeg = encoded(scene, ".jpg")
    upright = picture.rgb(rotated(jpeg, 6))  # to be turned by 90° clockwise
    assert upright.shape == (48, 32, 3) and upright[:20].min() > 200 and upright[28:].max() < 50
    small = picture.rgb(rotated(jpeg, 6), 8)
    assert small.shape == (12, 8, 3)


def test_colours_come_red_first_and_transparency_is_on_white():
    red = np.zeros((4, 4, 3), np.uint8)
    red[:, :, 2] = 200  # OpenCV has blue first
    for suffix in (".png", ".bmp"):
        assert picture.rgb(encoded(red, suffix))[0, 0].tolist() == [200, 0, 0]
    clear = np.dstack([red, np.full((4, 4), 51, np.uint8)])  # a fifth opaque
    assert picture.rgb(encoded(clear))[0, 0].tolist() == [244, 204, 204]
    assert picture.rgb(encoded(clear.astype(np.uint16) * 257))[0, 0].tolist() == [244, 204, 204]
    lossless = encoded(clear, ".webp", cv2.IMWRITE_WEBP_QUALITY, 101)
    assert picture.rgb(lossless)[0, 0].tolist() == [244, 204, 204]
    grey = np.full((4, 4), 77, np.uint8)
    assert picture.rgb(encoded(grey))[0, 0].tolist() == [77, 77, 77]
    assert picture.rgb(encoded(grey.astype(np.uint16) * 257))[0, 0].tolist() == [77, 77, 77]


def huge_png():
    """A few hundred bytes that ask for 180 MB."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 1000, 8, 0, 0, 0, 0))
    return picture.PNG + header + chunk(b"IDAT", zlib.compress(bytes(60_001))) + chunk(b"IEND", b"")


PNG, JPEG = encoded(pixels(0)), encoded(pixels(0, LARGE), ".jpg")
WEBP = encoded(cv2.merge([pixels(0)] * 3), ".webp")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"notes on the pictures", "not a JPEG, PNG, WebP or BMP picture"),
        (b"GIF89a" + bytes(30), "not a JPEG, PNG, WebP or BMP picture"),
        (PNG[:-20], "damaged"),
        (PNG[:40] + bytes([PNG[40] ^ 255]) + PNG[41:], "damaged"),
        (huge_png(), "1000x60000 pixels, more than its 138 bytes can hold"),
        (JPEG[: len(JPEG) // 2], "truncated"),
        (JPEG.replace(struct.pack(">HH", 480, 640), b"\xff\xdc\xff\xdc", 1), "65500x65500 pixels, more than"),
        (WEBP[: len(WEBP) // 2], "damaged"),
        (encoded(pixels(0), ".bmp")[:-100], "damaged"),
    ],
)
def test_what_is_no_whole_picture_is_named_and_counted(folder, content, reason):
    with pytest.raises(Unreadable, match=reason):
        picture.rgb(content)
    bad = [folder / "digit 3" / "bad.png", folder / "digit 7" / "worse.jpg"]
    for path in bad:
        path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        load(folder)
    message = str(caught.value)
    assert message.startswith(f"{folder}: 2 of 102 files are no whole pictures: digit 3/bad.png ({reason}")
    assert "digit 7/worse.jpg (" in message and "\n" not in message


def test_many_damaged_files_are_counted_and_the_first_named(folder):
    for number in range(70):
        (folder / "digit 0" / f"x{number:02}.png").touch()
    with pytest.raises(
        UserError, match=r"70 of 170 .*x00.png \(empty\).*x04.png \(empty\) and 65 more; mend"
    ):
        load(folder)


def loop(folder):
    (folder / "digit 0" / "again").symlink_to(folder)


def link_to_itself(folder):
    (folder / "digit 0" / "self.png").symlink_to("self.png")


def pipe(folder):
    os.mkfifo(folder / "digit 0" / "pipe.png")


def only_one_class(folder):
    for number in range(1, 10):
        (folder / f"digit {number}").rename(folder / f".{number}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "horse").mkdir(), "horse: no pictures; remove this class's folder"),
        (only_one_class, "only the class 'digit 0'; expected CLASS/PICTURE of at least two classes"),
        (loop, "again: a folder in a class's folder"),
        (link_to_itself, r"1 of 101 files is no whole picture: digit 0/self.png \(a symbolic link"),
        (pipe, r"digit 0/pipe.png \(not a regular file\)"),
        (lambda folder: (folder / "a.PNG").touch(), "a.PNG: a picture beside the classes' folders"),
        (
            lambda folder: os.mkdir(os.fsencode(folder) + b"/caf\xe9"),
            r"the name 'caf\\udce9' in it is not printable UTF-8; rename it",
        ),
        (
            lambda folder: open(os.fsencode(folder / "digit 0") + b"/\xff.png", "w").close(),
            "not printable UTF-8",
        ),
        (lambda folder: (folder / "digit 0" / "a\nb.png").touch(), "not printable UTF-8"),
        (lambda folder: (folder / "train").mkdir(), "train: no pictures"),
    ],
)
def test_a_folder_that_cannot_be_meant_is_one_line(folder, change, message):
    change(folder)
    with pytest.raises(UserError, match=message) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("other", ["Digit 1", "digit_1", "digit-1", "DIGIT1"])
def test_two_spellings_of_one_class(folder, other):
    (folder / "digit 2").rename(folder / other)
    with pytest.raises(UserError, match="look like one class; join or rename them"):
        load(folder)


def test_a_class_too_small_to_be_divided(folder):
    rare = folder / "rare"
    rare.mkdir()
    for number in range(2):
        (rare / f"{number}.png").write_bytes(PNG)
    with pytest.raises(UserError, match="rare: holds 2, expected at least 3 pictures: one each to train"):
        load(folder)
    (rare / "2.png").write_bytes(PNG)
    assert load(folder).classes[-1] == "rare"
    with pytest.raises(UserError, match=r"validation=0\.9: leaves a class nothing to train on"):
        load(folder, validation=0.9)


def test_classes_of_other_parts_than_train(tmp_path):
    write(tmp_path / "train", range(40))
    (write(tmp_path / "val", range(40, 60)) / "digit 0").rename(tmp_path / "val" / "Digit 0")
    with pytest.raises(UserError, match="Digit 0: train has no class of this name"):
        load(tmp_path)
    (tmp_path / "val").rename(tmp_path / "valid")
    with pytest.raises(UserError, match="has train and valid; beside train, val and test expected no other"):
        load(tmp_path)


def test_links_to_pictures_and_what_file_managers_leave_behind(folder, tmp_path):
    (folder / "digit 0" / "elsewhere.png").symlink_to(folder / "digit 1" / "0001.png")
    (folder / "digit 0" / "Thumbs.db").touch()
    (folder / ".DS_Store").touch()
    (folder / "README.txt").touch()
    (tmp_path / "link").symlink_to(folder)
    assert sum(len(getattr(load(tmp_path / "link"), part).labels) for part in data.dataset.PARTS) == 101


def test_a_data_dir_that_would_be_ignored_is_refused(folder):
    with pytest.raises(UserError, match=r"data_dir=.*: digits has no files; leave it out"):
        data.load("digits", data_dir=folder)
    with pytest.raises(UserError, match="folder: expected a data_dir"):
        data.load("folder")


def test_the_description_comes_back_as_it_was(folder, tmp_path):
    described = description.Description.of(load(folder))
    path = tmp_path / description.NAME
    path.write_text(described.to_json())
    assert description.read(path) == described
    for wrong in (("28", "0"), ("true", "1"), ('"digit 0"', "5"), ('"std"', '"sdt"'), ("[3, ", "[2, ")):
        path.write_text(described.to_json().replace(*wrong))
        if wrong[0] != "true":
            with pytest.raises(UserError, match="not the description of a data set"):
                description.read(path)


def test_the_contact_sheet_has_a_row_for_each_class(folder, tmp_path):
    contact_sheet.draw(load(folder), tmp_path / "sheet.png")
    contact_sheet.draw(data.load("synthetic"), tmp_path / "noise.png")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape[0] > 10 * 28 and len(np.unique(sheet)) > 16
