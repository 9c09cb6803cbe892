"""Arrays of the program that the audit keeps and reads: by handles of its own, as far as the memory allows."""

from __future__ import annotations

import ctypes
import math

import numpy as np

from ...runtime import mx
from ..hooks.telling import Unreadable, owe, owing

LARGEST = 1 << 26  # bytes of one array that are read into NumPy


class OwnArray(mx.nd.NDArray):
    """A handle of the audit's own: whoever looks for the program's arrays passes over it."""

    __slots__ = ()


def own(handle: int) -> OwnArray:
    """An NDArray of the audit's own for the array with this handle; both share memory and freshness flag.

    The handle must be the program's and alive, as it is within the call that passed it.
    """
    copy = mx.base.NDArrayHandle()
    mx.base.check_call(mx.base._LIB.MXShallowCopyNDArray(ctypes.c_void_p(handle), ctypes.byref(copy)))
    return OwnArray(copy)


def is_dense(array: mx.nd.NDArray) -> bool:
    """Whether it is neither a CSR nor a row-sparse array, and has elements that NumPy knows (not bfloat16)."""
    stype = ctypes.c_int()
    mx.base.check_call(mx.base._LIB.MXNDArrayGetStorageType(array.handle, ctypes.byref(stype)))
    return stype.value == 0 and 0 not in array.shape and np.dtype(array.dtype).kind in "fiub"


def size_of(array: mx.nd.NDArray) -> int:
    """Bytes of a dense array."""
    return math.prod(array.shape) * np.dtype(array.dtype).itemsize


def read(array: mx.nd.NDArray) -> np.ndarray:
    """The values of an array of the program, or of a copy of one. Waits for the engine.

    Raises Unreadable where an operator of the program has failed, which the program is told later. Until then
    nothing is read: MXNet tells of a failure once, and hands out what the memory held for all that depends on it.
    """
    if owing():
        raise Unreadable("an operator of the program has failed")
    try:
        return array.asnumpy()
    except mx.base.MXNetError as error:
        raise owe(error) from None


def wait_for(array: mx.nd.NDArray) -> None:
    """Wait until an array is computed. Raises Unreadable as `read` does."""
    try:
        array.wait_to_read()
    except mx.base.MXNetError as error:
        raise owe(error) from None


def wait_for_all() -> None:
    """Wait until all is computed. Raises Unreadable as `read` does."""
    try:
        mx.nd.waitall()
    except mx.base.MXNetError as error:
        raise owe(error) from None


def numpy_of(array: mx.nd.NDArray) -> np.ndarray | None:
    """The values; None of an array that is sparse, empty or larger than LARGEST. Waits for the engine."""
    if not is_dense(array) or size_of(array) > LARGEST:
        return None
    return read(array)


def sample_of(array: mx.nd.NDArray, every: int) -> mx.nd.NDArray | None:
    """Copies of about one in `every` elements, (N,); None of a sparse or empty array. Does not wait for the engine."""
    if not is_dense(array):
        return None
    # No view of the array: where oneDNN has it in a layout of its own, MXNet fails to copy one.
    array, shape = array.as_nd_ndarray(), _sliceable(array.shape)
    array = array if array.shape == shape else array.reshape(shape)
    whole = (None,) * len(shape)
    return mx.nd.slice(array, begin=whole, end=whole, step=_strides(shape, every)).reshape((-1,))


def sample_of_values(values: np.ndarray, every: int) -> np.ndarray:
    """The elements that `sample_of` takes of an array of this shape, (N,)."""
    shape = _sliceable(values.shape)
    return values.reshape(shape)[tuple(slice(None, None, step) for step in _strides(shape, every))].ravel()


def _sliceable(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape, or as one axis where MXNet's slice takes no such; oneDNN keeps nothing of more than five."""
    return shape if 0 < len(shape) <= 5 else (math.prod(shape),)


def _strides(shape: tuple[int, ...], every: int) -> tuple[int, ...]:
    steps = []
    for size in shape:
        steps.append(min(size, every))
        every = -(-every // steps[-1])
    return tuple(steps)


def shape_of(handle: int) -> tuple[int, ...]:
    """The shape of the array with this handle, which must be alive."""
    ndim, dims = ctypes.c_int(), ctypes.POINTER(ctypes.c_int64)()
    mx.base._LIB.MXNDArrayGetShapeEx64(ctypes.c_void_p(handle), ctypes.byref(ndim), ctypes.byref(dims))
    return tuple(dims[i] for i in range(ndim.value))
