"""What is seen of arithmetic on arrays of 8-bit integers."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ...runtime import mx
from ..events import Place, users_place
from ..graph.operators import kind_of
from ..graph.values import numpy_of, own
from ..hooks.listener import Listener, OperatorCall
from .step import Noted
from .steps import OpenStep

TYPES = {3: "uint8", 5: "int8"}  # by MXNet's number
MOST = 256  # operators of a step that are computed again
ELEMENTS = 1 << 16  # of each

# What the operators are to compute, by their kind.
_EXACTLY: Mapping[str, Callable[..., np.ndarray]] = {
    "broadcast_add": np.add,
    "broadcast_sub": np.subtract,
    "broadcast_mul": np.multiply,
    "_plus_scalar": np.add,
    "_minus_scalar": np.subtract,
    "_rminus_scalar": lambda array, scalar: scalar - array,
    "_mul_scalar": np.multiply,
    "negative": np.negative,
}


class Wrap(NamedTuple):
    """Arithmetic whose result did not fit. exact: the first such result; stored: what the array has instead."""

    place: Place
    dtype: str
    exact: float
    stored: float
    share: float  # of the results that were looked at


class ByteArithmetic(Listener):
    """Follows arrays whose numbers have wrapped to the passes that read them.

    Sums, differences and products of 8-bit arrays are computed again on sampled steps.
    """

    def __init__(self, now: OpenStep) -> None:
        self._now = now
        self._wrapped: dict[int, Wrap] = {}  # by the handle of what was computed from it
        self._exact: np.ndarray | None = None  # of the operator that is called
        self._step, self._looked = 0, 0

    def before_operator(self, call: OperatorCall) -> None:
        """Compute it in wide numbers: it may write over its own input."""
        self._exact = None
        if not self._now.step.sampled:
            return
        wanted = _EXACTLY.get(kind_of(call.name))
        if wanted is None or not all(map(_is_bytes, call.inputs)) or not self._affordable():
            return
        values = [numpy_of(own(handle)) for handle in call.inputs]
        if all(value is not None for value in values):
            scalar = call.attributes.get("scalar")
            wide = [value.astype(np.int32) for value in _thinned(values)]
            self._exact = wanted(*wide) if scalar is None else wanted(*wide, float(scalar))

    def _affordable(self) -> bool:
        if self._step != self._now.step.number:
            self._step, self._looked = self._now.step.number, 0
        self._looked += 1
        return self._looked <= MOST

    def operator_invoked(self, call: OperatorCall) -> None:
        """Compare the result, once it may be read; pass on what is known of the inputs."""
        if self._wrapped:
            self._follow(call.inputs, call.outputs)
        exact, self._exact = self._exact, None
        if exact is None or not _is_bytes(call.outputs[0]):
            return
        output, place = call.outputs[0], users_place()
        array = own(output)
        self._now.later(lambda: self._compare(output, array, exact, place))

    def _compare(self, handle: int, array: mx.nd.NDArray, exact: np.ndarray, place: Place) -> None:
        values = numpy_of(array)
        if values is None:
            return
        (stored,) = _thinned([values])
        wrong = np.abs(stored - exact) >= 1
        if wrong.any():
            at = int(wrong.argmax())
            dtype = str(values.dtype)
            self._wrapped[handle] = Wrap(
                place, dtype, float(exact[at]), float(stored[at]), float(wrong.mean())
            )

    def _follow(self, inputs: list[int], outputs: list[int]) -> None:
        source = next((self._wrapped[handle] for handle in inputs if handle in self._wrapped), None)
        if source is not None and self._now.recording:
            self._read_by_the_network(inputs)
        for handle in outputs:
            if source is None:
                self._wrapped.pop(handle, None)
            else:
                self._wrapped[handle] = source

    def _read_by_the_network(self, arrays: list[int]) -> None:
        for wrap in {self._wrapped[handle] for handle in arrays if handle in self._wrapped}:
            numbers = wrap.exact, wrap.stored, wrap.share
            self._now.note(Noted.BYTES_WRAPPED, wrap.dtype, numbers, at=wrap.place)

    def before_cached_op(self, op: int, inputs: list[int]) -> None:
        """A hybridised block reads its inputs."""
        self._now.run_later()
        if self._wrapped and self._now.recording:
            self._read_by_the_network(inputs)

    def executor_seen(self, executor: mx.executor.Executor) -> None:
        """An executor reads its arguments."""
        self._now.run_later()
        if self._wrapped:
            self._read_by_the_network([array.handle.value for array in executor.arg_arrays])

    def viewed(self, kind: str, array: int, view: int) -> None:
        """A view has the same numbers."""
        self._now.run_later()
        if array in self._wrapped:
            self._wrapped[view] = self._wrapped[array]

    def array_written(self, array: int) -> None:
        """Other values came from NumPy."""
        self._wrapped.pop(array, None)

    def handle_freed(self, handle: int) -> None:
        """Another array may get this handle."""
        self._wrapped.pop(handle, None)


def _is_bytes(handle: int) -> bool:
    number = ctypes.c_int()
    mx.base._LIB.MXNDArrayGetDType(ctypes.c_void_p(handle), ctypes.byref(number))
    return number.value in TYPES


def _thinned(values: list[np.ndarray]) -> list[np.ndarray]:
    """At most about ELEMENTS of each (N,), the same places of all once they are broadcast."""
    whole = np.broadcast_arrays(*values)
    every = max(1, whole[0].size // ELEMENTS)
    return [each.flat[::every] for each in whole]
