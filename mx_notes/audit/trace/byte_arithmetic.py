"""What is seen of arithmetic on arrays of 8-bit integers."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ...runtime import mx
from ..events import Place, users_place
from ..graph.operators import kind_of
from ..graph.values import numpy_of, own, shape_of
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


class Made(NamedTuple):
    """The result of an operator, and some of the numbers that it should have."""

    handle: int
    array: mx.nd.NDArray
    exact: np.ndarray
    place: Place


class ByteArithmetic(Listener):
    """Follows arrays whose numbers have wrapped to the passes that read them.

    Sums, differences and products of 8-bit arrays are computed again on sampled steps.
    """

    def __init__(self, now: OpenStep) -> None:
        self._now = now
        self._wrapped: dict[int, Wrap] = {}  # by the handle of what was computed from it
        self._views: dict[int, tuple[int, bool]] = {}  # by the view: of which array, and whether of all of it
        self._exact: np.ndarray | None = None  # of the operator that is called
        self._made: Made | None = None  # by the latest such operator, not yet compared
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
            self._follow(call.inputs, self._written(call.outputs))
        exact, self._exact = self._exact, None
        if exact is None or not _is_bytes(call.outputs[0]):
            return
        output = call.outputs[0]
        self._made = Made(output, own(output), exact, users_place())
        self._now.later(self._compare)

    def _compare(self) -> None:
        made, self._made = self._made, None
        values = None if made is None else numpy_of(made.array)
        if values is None:
            return
        (stored,) = _thinned([values])
        wrong = np.abs(stored - made.exact) >= 1
        if wrong.any():
            at = int(wrong.argmax())
            numbers = float(made.exact[at]), float(stored[at]), float(wrong.mean())
            self._wrapped[made.handle] = Wrap(made.place, str(values.dtype), *numbers)

    def _written(self, outputs: list[int]) -> list[int]:
        """With the arrays of which they are views."""
        return outputs + [self._views[handle][0] for handle in outputs if handle in self._views]

    def _follow(self, inputs: list[int], outputs: list[int]) -> None:
        source = next((self._wrapped[handle] for handle in inputs if handle in self._wrapped), None)
        if source is not None and self._now.recording:
            self._read_by_the_network(inputs)
        parts = {self._views[handle][0] for handle in outputs if not self._views.get(handle, (0, True))[1]}
        for handle in outputs:
            if source is not None:
                self._wrapped[handle] = source
            elif handle not in parts:  # the rest of it is as it was
                self._wrapped.pop(handle, None)

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

    def viewed(self, array: int, view: int, rows: tuple[int, int] | None) -> None:
        """A view has the same numbers."""
        self._now.run_later()
        if self._now.step.sampled:
            base, whole = self._views.get(array, (array, True))
            self._views[view] = base, whole and (rows is None or shape_of(view) == shape_of(array))
        if array in self._wrapped:
            self._wrapped[view] = self._wrapped[array]

    def array_written(self, array: int) -> None:
        """Other values came from NumPy."""
        base, whole = self._views.get(array, (array, True))
        for handle in (array, base) if whole else (array,):
            self._forget(handle)

    def handle_freed(self, handle: int) -> None:
        """Another array may get this handle."""
        self._views.pop(handle, None)
        self._forget(handle)

    def _forget(self, handle: int) -> None:
        self._wrapped.pop(handle, None)
        if self._made is not None and self._made.handle == handle:
            self._made = None


def _is_bytes(handle: int) -> bool:
    number = ctypes.c_int()
    mx.base._LIB.MXNDArrayGetDType(ctypes.c_void_p(handle), ctypes.byref(number))
    return number.value in TYPES


def _thinned(values: list[np.ndarray]) -> list[np.ndarray]:
    """At most about ELEMENTS of each (N,), the same places of all once they are broadcast."""
    whole = np.broadcast_arrays(*values)
    every = max(1, whole[0].size // ELEMENTS)
    return [each.flat[::every] for each in whole]
