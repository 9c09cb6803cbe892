"""MXNet's own file of named arrays, written and read without MXNet.

`mx.nd.load` trusts what a file says of itself, and `mx.nd.save` doesn't notice that the disk is full. The
layout (MXNet, src/ndarray/ndarray.cc, `NDArray::Save` and `NDArray::Load`), all little-endian:

    uint64 0x112, uint64 0, uint64 number of arrays; each array:
        uint32 0xF993FAC9, int32 storage type (0: dense), int32 number of dimensions, int64 each of them,
        int32 device type, int32 device number, int32 dtype, the values
    uint64 number of names; each name: uint64 bytes, UTF-8

Two other forms of an array are read, too: 0xF993FAC8, without a storage type (MXNet before 1.0), and
0xF993FACA (saved under `npx.set_np`), the same otherwise.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..runtime import mx

LIST_MAGIC, ARRAY_MAGIC = 0x112, 0xF993FAC9
OLD_ARRAY_MAGIC, NUMPY_ARRAY_MAGIC = 0xF993FAC8, 0xF993FACA
DENSE, CPU = 0, 1
DTYPES = {0: "<f4", 1: "<f8", 2: "<f2", 3: "<u1", 4: "<i4", 5: "<i1", 6: "<i8"}  # mshadow/base.h, TypeFlag
NUMBERS = {np.dtype(name): number for number, name in DTYPES.items()}
MOST_DIMENSIONS = 32


def dump(arrays: dict[str, np.ndarray]) -> Iterator[bytes | memoryview]:
    """The pieces of the file that `mx.nd.load` and `parse` read; no array of 0 dimensions or elements."""
    yield struct.pack("<QQQ", LIST_MAGIC, 0, len(arrays))
    for array in arrays.values():
        yield struct.pack(f"<Iii{array.ndim}q", ARRAY_MAGIC, DENSE, array.ndim, *array.shape)
        yield struct.pack("<iii", CPU, 0, NUMBERS[array.dtype])
        yield np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    yield struct.pack("<Q", len(arrays))
    for name in arrays:
        yield struct.pack("<Q", len(name.encode())) + name.encode()


def parse(content: bytes, path: Path) -> dict[str, np.ndarray]:
    """The arrays in a file's content, as views of it that can't be written to.

    Raises UserError, naming the file, if the content is not exactly such a list of dense arrays with
    different names. No memory is taken for what the file only claims to hold.
    """
    try:
        return _parse(_Cursor(content))
    except _Malformed as error:
        raise UserError(f"{path}: not a whole file of MXNet arrays: {error}") from None


def to_mxnet(array: np.ndarray) -> mx.nd.NDArray:
    """A copy as MXNet's array on the CPU, of the same dtype."""
    # Not mx.nd.array: it first looks for a SciPy matrix, under a name that SciPy warns about.
    copy = mx.nd.empty(array.shape, mx.cpu(), array.dtype)
    copy[:] = array
    return copy


class _Malformed(Exception):
    pass


class _Cursor:
    """Takes pieces off the front of some bytes, never more than there are."""

    def __init__(self, content: bytes) -> None:
        self._content, self._position = content, 0

    def advance(self, size: int) -> int:
        """Where the next `size` bytes begin."""
        begin, left = self._position, len(self._content) - self._position
        if size > left:
            raise _Malformed(f"{size} bytes are announced at byte {begin}, {left} follow")
        self._position += size
        return begin

    def unpack(self, layout: str) -> tuple[int, ...]:
        layout = "<" + layout
        return struct.unpack_from(layout, self._content, self.advance(struct.calcsize(layout)))

    def text(self) -> str:
        (size,) = self.unpack("Q")
        begin = self.advance(size)
        try:
            return self._content[begin : begin + size].decode()
        except UnicodeDecodeError:
            raise _Malformed("a name is not UTF-8") from None

    def array(self) -> np.ndarray:
        (magic,) = self.unpack("I")
        (storage,) = self.unpack("i") if magic != OLD_ARRAY_MAGIC else (DENSE,)
        if magic not in (OLD_ARRAY_MAGIC, ARRAY_MAGIC, NUMPY_ARRAY_MAGIC) or storage != DENSE:
            raise _Malformed("an array is not dense, or not of MXNet 1.x")
        (dimensions,) = self.unpack("i")
        if not 1 <= dimensions <= MOST_DIMENSIONS:
            raise _Malformed(f"an array of {dimensions} dimensions")
        shape = self.unpack(f"{dimensions}q")
        if min(shape) < 1:
            raise _Malformed(f"an array of shape {shape}")
        _, _, number = self.unpack("iii")
        if number not in DTYPES:
            raise _Malformed(f"an array of dtype number {number}")
        dtype, count = np.dtype(DTYPES[number]), math.prod(shape)
        begin = self.advance(count * dtype.itemsize)
        return np.frombuffer(self._content, dtype, count, begin).reshape(shape)

    def finish(self) -> None:
        if self._position != len(self._content):
            raise _Malformed(f"{len(self._content) - self._position} bytes too many")


def _parse(cursor: _Cursor) -> dict[str, np.ndarray]:
    magic, _, count = cursor.unpack("QQQ")
    if magic != LIST_MAGIC:
        raise _Malformed("it doesn't begin as one")
    # One by one: where the count is a lie, the bytes are at an end before the memory is.
    values = []
    while len(values) < count:
        values.append(cursor.array())
    (names,) = cursor.unpack("Q")
    if names != count:
        raise _Malformed(f"{count} arrays, {names} names")
    arrays = {cursor.text(): value for value in values}
    if len(arrays) != count:
        raise _Malformed("two arrays of one name")
    cursor.finish()
    return arrays
