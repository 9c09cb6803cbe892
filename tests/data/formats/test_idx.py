import gzip
import struct

import numpy as np
import pytest

from mx_notes.data.formats import idx
from mx_notes.errors import UserError

PIXELS = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def encode(array, magic=None, shape=None):
    shape = array.shape if shape is None else shape
    head = struct.pack(f">{1 + len(shape)}I", 0x0800 + len(shape) if magic is None else magic, *shape)
    return head + array.tobytes()


def write(tmp_path, content, compressed=False):
    path = tmp_path / "images"
    path.write_bytes(gzip.compress(content) if compressed else content)
    return path


@pytest.mark.parametrize("compressed", [False, True])
def test_reads_what_was_written(tmp_path, compressed):
    np.testing.assert_array_equal(idx.read(write(tmp_path, encode(PIXELS), compressed), 3), PIXELS)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes, too short"),
        (encode(PIXELS)[:9], "9 bytes, too short"),
        (encode(PIXELS)[:-1], "header says 2x3x4 bytes, 23 follow"),
        (encode(PIXELS) + b"\0", "header says 2x3x4 bytes, more follow"),
        (encode(PIXELS, magic=0x0801), "begins with 0x00000801, expected 0x00000803"),
        (encode(PIXELS, magic=0x0D03), "begins with 0x00000d03, expected 0x00000803"),
        (b"<html>not here</html>", "begins with 0x3c68746d, expected"),
        (encode(PIXELS, shape=(0, 28, 28)), "header says 0x28x28 bytes, expected 1 to"),
        (
            encode(PIXELS, shape=(1 << 14, 1 << 13, 1 << 13)),
            "header says 16384x8192x8192 bytes, expected 1 to",
        ),
        (encode(PIXELS, shape=(0xFFFFFFFF,) * 3), "expected 1 to"),
    ],
)
def test_damaged(tmp_path, content, message, compressed):
    path = write(tmp_path, content, compressed)
    with pytest.raises(UserError) as caught:
        idx.read(path, 3)
    assert message in str(caught.value) and str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", ["cut", "flipped"])
def test_damaged_gzip(tmp_path, change):
    content = bytearray(gzip.compress(encode(np.random.default_rng(0).integers(0, 256, (9, 9, 9), np.uint8))))
    if change == "cut":
        content = content[:-200]
    else:
        content[300] ^= 0xFF
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"images\.gz: .*(truncated|damaged)"):
        idx.read(path, 3)


def test_a_small_gzip_of_much_is_read_no_further_than_its_header_says(tmp_path):
    path = write(tmp_path, encode(PIXELS) + bytes(50 << 20), compressed=True)
    assert path.stat().st_size < 100_000
    with pytest.raises(UserError, match="more follow"):
        idx.read(path, 3)


def test_a_folder_in_the_place_of_the_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        idx.read(tmp_path, 3)
