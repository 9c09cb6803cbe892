"""IDX files, the format of MNIST and Fashion-MNIST: a magic number, dimensions, unsigned bytes."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...errors import UserError

LARGEST = 1 << 26  # bytes that a file may hold: Fashion-MNIST's largest has 47 million
CHUNK = 1 << 20  # bytes


def read(path: Path, dimensions: int) -> np.ndarray:
    """The array of unsigned bytes in an IDX file, compressed by gzip or not.

    dimensions: 3 for images (N, H, W), 1 for labels (N,). Raises UserError if the file is not exactly
    such an array. If the header lies, no more bytes are read than it says, and at most 64 MiB.
    """
    with _opened(path) as file:
        shape = _header(file, path, dimensions)
        size = math.prod(shape)
        content = _content(file, size + 1)
    if len(content) != size:
        text = "x".join(map(str, shape))
        found = "more" if len(content) > size else len(content)
        raise UserError(f"{path}: its header says {text} bytes, {found} follow; truncated or damaged")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _header(file: BinaryIO, path: Path, dimensions: int) -> tuple[int, ...]:
    header = file.read(4 + 4 * dimensions)
    magic, expected = header[:4].hex(), f"{0x0800 + dimensions:08x}"
    if header and magic != expected:
        raise UserError(f"{path}: begins with 0x{magic}, expected 0x{expected}: not an IDX file of this kind")
    if len(header) < 4 + 4 * dimensions:
        raise UserError(f"{path}: {len(header)} bytes, too short for an IDX file; empty or truncated")
    shape = struct.unpack(f">{dimensions}I", header[4:])
    if not 0 < math.prod(shape) <= LARGEST:
        text = "x".join(map(str, shape))
        raise UserError(f"{path}: its header says {text} bytes, expected 1 to {LARGEST}; damaged")
    return shape


def raw_bytes(path: Path) -> bytes:
    """The file's content, decompressed if it is a gzip file."""
    with _opened(path) as file:
        content = _content(file, LARGEST + 1)
    if len(content) > LARGEST:
        raise UserError(f"{path}: holds more than {LARGEST} bytes, too much for an IDX file")
    return bytes(content)


def _content(file: BinaryIO, size: int) -> bytearray:
    """Read at most so many bytes; unlike `file.read(size)`, takes memory only for bytes that are there."""
    content = bytearray()
    while len(content) < size and (chunk := file.read(min(CHUNK, size - len(content)))):
        content += chunk
    return content


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, decompressed if it is a gzip file; any fault in reading becomes a UserError."""
    try:
        with path.open("rb") as file:
            compressed = file.peek(2)[:2] == b"\x1f\x8b"
            yield gzip.GzipFile(fileobj=file) if compressed else file
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or f"{error}; truncated or damaged"
        raise UserError(f"{path}: cannot be read: {reason}") from None
