"""RecordIO files of images, checked before MXNet's C++ opens them: lengths, labels, images, the index.

A record is a magic number, a word of 3 flag bits and 29 length bits, so many bytes, and zeros up to a
multiple of 4 (dmlc-core, recordio.h). Its bytes begin with a header of 24: flag, label, two ids.
"""

from __future__ import annotations

import os
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ... import disk
from ...errors import UserError
from ...runtime import threads
from . import picture
from .picture import JPEG, PNG, PNG_END

MAGIC = 0xCED7230A
WORDS = struct.Struct("<II")
IMAGE_HEADER = struct.Struct("<IfQQ")
MOST_CLASSES = 1 << 16
WHOLE, FIRST, MIDDLE, LAST = range(4)  # a record whose bytes contain the magic number comes in parts


@dataclass(frozen=True)
class Records:
    """offsets: (N,) int64, where each record begins; labels: (N,) int32."""

    path: Path
    offsets: np.ndarray
    labels: np.ndarray


def scan(path: Path) -> Records:
    """Find all records of a file by their headers alone: 40 bytes of each are read.

    Raises UserError, with the offset, for a file that is empty, truncated or no RecordIO file, for a
    record without a JPEG or PNG image, and for a label that is not a single whole number below MOST_CLASSES.
    """
    offsets, labels = [], []
    with disk.reading(path), path.open("rb", buffering=0) as file:
        size, offset, expected = os.fstat(file.fileno()).st_size, 0, (WHOLE, FIRST)
        while offset < size:
            head = os.pread(file.fileno(), WORDS.size + IMAGE_HEADER.size + len(PNG), offset)
            kind, length = _part(path, head, offset, size)
            if kind not in expected:
                raise UserError(f"{path}: the parts of the record before byte {offset} are out of order")
            if kind in (WHOLE, FIRST):
                offsets.append(offset)
                labels.append(_label(path, head[WORDS.size :], length, offset))
                end = os.pread(file.fileno(), 64, offset + WORDS.size + max(length - 64, 0))
                _check_image(path, head[WORDS.size + IMAGE_HEADER.size :], end, kind, offset)
            expected = (WHOLE, FIRST) if kind in (WHOLE, LAST) else (MIDDLE, LAST)
            offset += WORDS.size + _padded(length)
    if not offsets or WHOLE not in expected:
        reason = "ends within a record" if offsets else "empty"
        raise UserError(f"{path}: {reason}, expected a RecordIO file of images")
    return Records(path, np.array(offsets, np.int64), np.array(labels, np.int32))


def _part(path: Path, head: bytes, offset: int, size: int) -> tuple[int, int]:
    """Flag and length of the (part of a) record at an offset."""
    if len(head) < WORDS.size:
        raise UserError(f"{path}: truncated: {len(head)} bytes at byte {offset}, where a record should begin")
    magic, word = WORDS.unpack_from(head)
    if magic != MAGIC:
        raise UserError(f"{path}: {magic:#010x} at byte {offset}, expected RecordIO's mark {MAGIC:#010x}")
    kind, length = word >> 29, word & (1 << 29) - 1
    if offset + WORDS.size + _padded(length) > size:
        raise UserError(
            f"{path}: truncated: it ends before the {length} bytes of the record at byte {offset}"
        )
    return kind, length


def _label(path: Path, head: bytes, length: int, offset: int) -> int:
    if length <= IMAGE_HEADER.size:
        raise UserError(f"{path}: the record at byte {offset} has {length} bytes, too short for an image")
    if len(head) < IMAGE_HEADER.size:
        raise UserError(f"{path}: the record at byte {offset} is in parts too short for an image's header")
    flag, label, _, _ = IMAGE_HEADER.unpack_from(head)
    if flag:
        raise UserError(f"{path}: the record at byte {offset} has {flag} labels, expected one")
    if not (0 <= label < MOST_CLASSES and label == int(label)):
        raise UserError(
            f"{path}: label {label} in the record at byte {offset}, expected a class from 0 to {MOST_CLASSES - 1}"
        )
    return int(label)


def _check_image(path: Path, start: bytes, end: bytes, kind: int, offset: int) -> None:
    """Check an image by its ends alone: a PNG must be whole; a JPEG that is cut off is still decoded in part."""
    if not start.startswith((JPEG, PNG)):
        raise UserError(f"{path}: the record at byte {offset} holds no JPEG or PNG image")
    if start.startswith(PNG) and kind == WHOLE and PNG_END not in end:
        raise UserError(f"{path}: the PNG image in the record at byte {offset} is truncated")


def _padded(length: int) -> int:
    return (length + 3) & ~3


def check_index(records: Records, path: Path) -> None:
    """Raise UserError unless the .idx file, lines of a key and an offset, has the offsets of the records.

    MXNet jumps to these offsets without checking that a record begins there. It reads numbers wherever the
    lines end, and stops in silence at anything else.
    """
    content = disk.read(path.resolve(), len(records.offsets) * 64)
    words = content.split()
    if (
        content.translate(None, b"0123456789 \t\r\n")
        or len(words) % 2
        or max(map(len, words), default=0) > 18
    ):
        raise UserError(f"{path}: not an index, expected lines of a key, a tab and an offset")
    offsets = np.array([int(word) for word in words[1::2]], np.int64)
    if not np.array_equal(np.sort(offsets), records.offsets):
        raise UserError(
            f"{path}: {len(offsets)} offsets that are not those of the {len(records.offsets)} records of"
            f" {records.path.name}; make it anew with MXNet's tools/rec2idx.py"
        )


def check_images(records: Records) -> None:
    """Decode each image, in grey and at an eighth of its size: about 1 ms of a core each.

    Raises UserError for the first image that can't be decoded, or claims far too many pixels. MXNet's iterator ends
    the whole process (SIGFPE) at an image that it can't decode; it decodes all that OpenCV decodes here.
    """
    import cv2

    def check(numbers: np.ndarray) -> None:
        for number in numbers:
            _decoded(records, int(number), cv2.IMREAD_REDUCED_GRAYSCALE_8)

    count = len(records.offsets)
    with ThreadPoolExecutor(threads().count) as pool:
        for _ in pool.map(check, np.array_split(np.arange(count), -(-count // 256))):
            pass


def image(records: Records, number: int) -> np.ndarray:
    """The decoded image of a record, (H, W, 3) uint8, red first. Raises UserError if it can't be decoded."""
    import cv2

    return _decoded(records, number, cv2.IMREAD_COLOR)[:, :, ::-1]


def _decoded(records: Records, number: int, how: int) -> np.ndarray:
    content = _content(records, number)
    pixels = picture.decoded(content, how)
    if pixels is None:
        height, width = picture.size(content)
        raise UserError(
            f"{records.path}: record {number} (from 0) is not an image that OpenCV can decode: {len(content)}"
            f" bytes, {height}x{width} pixels by its header"
        )
    return pixels


def _content(records: Records, number: int) -> bytes:
    """A record's bytes after its image header."""
    parts, offset, kind = [], int(records.offsets[number]), FIRST
    with records.path.open("rb") as file:
        while kind not in (WHOLE, LAST):
            file.seek(offset)
            _, word = WORDS.unpack(file.read(WORDS.size))
            kind, length = word >> 29, word & (1 << 29) - 1
            parts.append(file.read(length))
            offset += WORDS.size + _padded(length)
    # Where a record was cut into parts, the magic number itself was left out.
    return struct.pack("<I", MAGIC).join(parts)[IMAGE_HEADER.size :]
