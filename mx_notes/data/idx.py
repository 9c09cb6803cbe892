"""IDX files, the format of MNIST and Fashion-MNIST: a magic number, dimensions, unsigned bytes."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from ..errors import UserError

LARGEST = 1 << 30  # bytes of pixels that a file may hold: Fashion-MNIST has 47 million


def read(path: Path, dimensions: int) -> np.ndarray:
    """The array of unsigned bytes in an IDX file, compressed by gzip or not.

    dimensions: 3 for images (N, H, W), 1 for labels (N,). Raises UserError if the file is not exactly
    such an array; nothing is allocated before its header is found to be true.
    """
    try:
        return parse(raw_bytes(path), str(path), dimensions)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def raw_bytes(path: Path) -> bytes:
    """The file's content, decompressed if it is a gzip file."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        content = gzip.GzipFile(fileobj=file).read(LARGEST + 1) if compressed else file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise UserError(f"{path}: holds more than {LARGEST >> 30} GiB, too much for an IDX file of images")
    return content


def parse(content: bytes, name: str, dimensions: int) -> np.ndarray:
    """The array in the bytes of an IDX file; `name` is for messages."""
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise UserError(f"{name}: {len(content)} bytes, too short for an IDX file (truncated or empty?)")
    magic = struct.unpack(">I", content[:4])[0]
    expected = 0x0800 + dimensions
    if magic != expected:
        raise UserError(f"{name}: magic number {magic:#010x}, expected {expected:#010x}; not such an IDX file")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    if len(content) - header != math.prod(shape):
        size = "×".join(map(str, shape))
        raise UserError(
            f"{name}: its header says {size} bytes, {len(content) - header} follow; truncated or damaged"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
