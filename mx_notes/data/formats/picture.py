"""Pictures in files: JPEG, PNG, WebP and BMP, whose headers are read before OpenCV gets them."""

from __future__ import annotations

import contextlib
import struct
import zlib

import numpy as np

JPEG, PNG, PNG_END = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"IEND"
WEBP, BMP = b"RIFF", b"BM"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
PNG_SHORTEST = 33  # bytes, to the end of the header
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # JPEG's markers of a frame header
ALONE = {0x00, 0x01, *range(0xD0, 0xD8)}  # and its markers that no segment follows
SCAN, JPEG_END = 0xDA, b"\xff\xd9"
LARGEST_FILE = 1 << 28  # bytes
MOST_PIXELS = 1 << 26  # of an image: the largest of ImageNet has 61 million
MOST_PIXELS_PER_BYTE = 1024  # neither deflate nor JPEG's coding gets more into a byte, 1-bit images apart
MOST_PIXELS_PER_BYTE_OF_WEBP = 1 << 15  # a single colour, 4000x4000: 23,530
REDUCED = (8, 4, 2)  # a JPEG is decoded at these fractions of its size for less time


class Unreadable(Exception):
    """A file is not a whole picture; the message says why in a few words, without its name."""


def rgb(content: bytes, edge: int = LARGEST_FILE) -> np.ndarray:
    """Decode a file's content: (H, W, 3) uint8, red first, upright as EXIF says, on white where it is transparent.

    edge: the shorter edge, in pixels, that will be needed: a JPEG of at least twice that is decoded to a half, a
    quarter or an eighth of its size. Raises Unreadable.
    """
    import cv2

    height, width = _expected(content)
    how = cv2.IMREAD_COLOR
    if content.startswith(JPEG):
        flags = (cv2.IMREAD_REDUCED_COLOR_8, cv2.IMREAD_REDUCED_COLOR_4, cv2.IMREAD_REDUCED_COLOR_2)
        fitting = (f for f, part in zip(flags, REDUCED, strict=True) if min(height, width) >= part * edge)
        how = next(fitting, how)
    elif _may_be_transparent(content):
        how = cv2.IMREAD_UNCHANGED
    pixels = decoded(content, how)
    if pixels is None:
        raise Unreadable("damaged")
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = _on_white(pixels)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    return np.ascontiguousarray(pixels[:, :, ::-1])


def fitted(pixels: np.ndarray, edge: int) -> np.ndarray:
    """Cut the middle square out of (H, W, 3) pixels and resize it: (3, edge, edge) uint8."""
    import cv2

    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]
    if side != edge:
        how = cv2.INTER_AREA if side > edge else cv2.INTER_LINEAR
        square = cv2.resize(square, (edge, edge), interpolation=how)
    return np.ascontiguousarray(square.transpose(2, 0, 1))


def decoded(content: bytes, how: int) -> np.ndarray | None:
    """What OpenCV makes of a picture; None if it is damaged, or claims more pixels than its bytes can hold.

    how: one of OpenCV's IMREAD flags.
    """
    import cv2

    height, width = size(content)
    if not 0 < height * width <= min(MOST_PIXELS, _most_pixels(content)):
        return None
    with contextlib.suppress(cv2.error):
        return cv2.imdecode(np.frombuffer(content, np.uint8), how)
    return None


def size(content: bytes) -> tuple[int, int]:
    """Height and width by the header; 0, 0 if it is none of a picture, or the file is plainly not whole."""
    for start, read in ((JPEG, _jpeg_size), (PNG, _png_size), (WEBP, _webp_size), (BMP, _bmp_size)):
        if content.startswith(start):
            return read(content)
    return 0, 0


def _expected(content: bytes) -> tuple[int, int]:
    """Height and width; raises Unreadable for what is not a whole picture of a size that can be decoded."""
    if not content:
        raise Unreadable("empty")
    if not content.startswith((JPEG, PNG, WEBP, BMP)):
        raise Unreadable("not a JPEG, PNG, WebP or BMP picture")
    height, width = size(content)
    if height * width > MOST_PIXELS:
        raise Unreadable(f"{height}x{width} pixels, more than {MOST_PIXELS} together")
    if height * width > _most_pixels(content):
        raise Unreadable(f"{height}x{width} pixels, more than its {len(content)} bytes can hold")
    if content.startswith(JPEG) and not _jpeg_ends(content):
        raise Unreadable("truncated")
    if not height * width:
        raise Unreadable("damaged")
    return height, width


def _most_pixels(content: bytes) -> int:
    """How many pixels so many bytes can hold."""
    per_byte = MOST_PIXELS_PER_BYTE_OF_WEBP if content.startswith(WEBP) else MOST_PIXELS_PER_BYTE
    return per_byte * len(content)


def _png_size(content: bytes) -> tuple[int, int]:
    """Height and width in the header, if whole chunks follow to the end (PNG specification, 5.3 and 11.2.1).

    Otherwise 0: OpenCV takes gigabytes for a chunk whose length says so, even behind the image's end.
    """
    if len(content) < PNG_SHORTEST:
        return 0, 0
    position, view = len(PNG), memoryview(content)
    while position + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, position)
        body, position = view[position + 4 : position + 8 + length], position + 12 + length
        if position > len(content) or zlib.crc32(body) != struct.unpack_from(">I", content, position - 4)[0]:
            return 0, 0
    return struct.unpack_from(">II", content, 16)[::-1] if position == len(content) else (0, 0)


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Height and width in the frame header (ITU-T T.81, B.2.2); 0 if there is none."""
    position = _jpeg_marker(content, FRAMES)
    return struct.unpack_from(">HH", content, position + 5) if position else (0, 0)


def _jpeg_ends(content: bytes) -> bool:
    """Whether an end follows the first scan. OpenCV decodes what is cut off, too, grey where it ends."""
    position = _jpeg_marker(content, {SCAN})
    return bool(position) and content.find(JPEG_END, position) > 0


def _jpeg_marker(content: bytes, wanted: set[int]) -> int:
    """Where the first of these markers is; 0 if there is none."""
    position = 2
    while (position := content.find(b"\xff", position)) >= 0 and position + 9 <= len(content):
        marker, length = struct.unpack_from(">BH", content, position + 1)
        if marker in wanted:
            return position
        # A fill byte is followed by a marker, most markers by a segment of `length` bytes.
        position += 1 if marker == 0xFF else 2 if marker in ALONE else 2 + length
    return 0


def _webp_size(content: bytes) -> tuple[int, int]:
    """Height and width by the first chunk (RFC 9649, 2.4 to 2.7), if as many bytes follow as the header says."""
    if (
        len(content) < 30
        or content[8:12] != b"WEBP"
        or 8 + int.from_bytes(content[4:8], "little") > len(content)
    ):
        return 0, 0
    kind = content[12:16]
    if kind == b"VP8X":
        width, height = content[24:27], content[27:30]
        return 1 + int.from_bytes(height, "little"), 1 + int.from_bytes(width, "little")
    if kind == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return 1 + (bits >> 14 & 0x3FFF), 1 + (bits & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return height & 0x3FFF, width & 0x3FFF
    return 0, 0


def _bmp_size(content: bytes) -> tuple[int, int]:
    """Height and width in Windows' header, if the uncompressed rows are all there."""
    if len(content) < 54:
        return 0, 0
    begin, header, width, height, _, bits, compression = struct.unpack_from("<IIiiHHI", content, 10)
    height = abs(height)  # below 0: the first row is the top one
    row = (width * bits + 31) // 32 * 4
    whole = compression in (1, 2, 3) or (compression == 0 and begin + row * height <= len(content))
    return (height, width) if header >= 40 and width > 0 and whole else (0, 0)


def _may_be_transparent(content: bytes) -> bool:
    if content.startswith(PNG):
        return content[25] in (4, 6) or b"tRNS" in content[PNG_SHORTEST:]
    kind = content[12:16]
    return content.startswith(WEBP) and (kind == b"VP8L" or (kind == b"VP8X" and bool(content[20] & 0x10)))


def _on_white(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 of (H, W, 4) pixels with an alpha channel, of 8 or 16 bits."""
    largest = np.iinfo(pixels.dtype).max
    alpha = pixels[:, :, 3:].astype(np.float32) / largest
    colour = pixels[:, :, :3].astype(np.float32) * (255 / largest)
    return np.rint(colour * alpha + 255 * (1 - alpha)).astype(np.uint8)
