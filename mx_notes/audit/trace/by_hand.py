"""Follows gradients through arithmetic by hand: what `param[:] = param - lr * param.grad / n` is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...runtime import mx
from ..events import Kind
from ..graph.operators import (
    ADDING,
    CLEARING,
    FACTORS,
    NEGATIVE,
    OPTIMIZER_UPDATES,
    SHAPE_ONLY,
    SUBTRACTING,
    kind_of,
)
from ..hooks.listener import Listener, OperatorCall
from .ledger import Buffer, Ledger
from .step import Noted, WeightCopy
from .steps import OpenStep

SCALING = {"_mul_scalar", "_div_scalar", "broadcast_mul", "broadcast_div"}
LINEAR = SHAPE_ONLY | ADDING | SUBTRACTING | set(FACTORS) | NEGATIVE | {"clip", "_crop_assign"}


@dataclass(frozen=True)
class Derived:
    """An array that has a gradient in it.

    divisors: the numbers that it was divided by; None once they can't be told. factor: the product of all
    factors, the learning rate among them. limit: to which its elements were clipped.
    """

    buffer: Buffer
    divisors: tuple[float, ...] | None = ()
    factor: float = 1.0
    limit: float | None = None

    def rescale(self, sizes: Iterable[int]) -> float | None:
        """The factor of a mean over one of these numbers of examples; None if nobody divided by one.

        The learning rate, which is another factor, can't be told from a factor of 1/n.
        """
        sizes, factor = set(sizes), 1.0
        for divisor in self.divisors or ():
            factor /= divisor if divisor in sizes else 1
        return factor if factor != 1 else None


class ByHand(Listener):
    """The operators outside of `record()`: which read a gradient, which write a parameter."""

    def __init__(self, now: OpenStep, books: Ledger) -> None:
        self._now, self._books = now, books
        self._derived: dict[int, Derived] = {}  # by the handle of the array
        self._views: dict[int, Buffer] = {}  # of gradients: rows, slices, other shapes

    def gradient_made(self, array: int, buffer: Buffer) -> None:
        """`autograd.grad` returned this gradient."""
        self._derived[array] = Derived(buffer)

    def viewed(self, array: int, view: int, rows: tuple[int, int] | None) -> None:
        """A part of a gradient, or of a number computed from one, has it in it, too."""
        whole = self._books.gradients.get(array) or self._views.get(array)
        if whole is not None:
            self._views[view] = whole
        for derived in self._among([array]):
            self._derived[view] = derived

    def operator_invoked(self, call: OperatorCall) -> None:
        """An operator ran: does it read a gradient, or write a parameter?"""
        if self._now.recording:
            return
        books, inputs = self._books, call.inputs
        read = [buffer for buffer in map(self._gradient, inputs) if buffer is not None]
        for buffer in read:
            buffer.consume()
        among = self._among(inputs)
        derived = self._follow(call, among) if among else None
        for handle in call.outputs:
            if handle in books.gradients:
                self._gradient_written(books.gradients[handle], call, handle in inputs, derived)
            elif handle in books.weights:
                self._derived.pop(handle, None)
                self._weight_written(books.weights[handle], call, derived)
            elif handle in self._views:
                self._views[handle].touched = True
        if read and call.name == "reset_arrays":
            for buffer in read:
                buffer.cleared = True

    def array_read(self, array: int) -> None:
        """`asnumpy` of a gradient is a use of it."""
        buffer = self._gradient(array)
        if buffer is not None:
            buffer.consume()

    def array_written(self, array: int) -> None:
        """Values came from NumPy: data, a cleared gradient, or a parameter updated by hand."""
        books = self._books
        if array in books.gradients:
            buffer = books.gradients[array]
            buffer.touched = buffer.cleared = True
        elif array in books.weights:
            buffer = books.weights[array]
            if buffer.ever and buffer.read and not buffer.optimised:
                self._updated(buffer)
            else:
                buffer.fed += 1

    def handle_freed(self, handle: int) -> None:
        """Another array may get this handle."""
        self._books.forget(handle)
        self._derived.pop(handle, None)
        self._views.pop(handle, None)

    def _gradient(self, array: int) -> Buffer | None:
        return self._books.gradients.get(array) or self._views.get(array)

    def _among(self, arrays: Iterable[int]) -> list[Derived]:
        """The gradients that these arrays have in them."""
        gradients = self._books.gradients
        found = [Derived(gradients[array]) for array in arrays if array in gradients]
        return found + [self._derived[array] for array in arrays if array in self._derived]

    def _follow(self, call: OperatorCall, among: list[Derived]) -> Derived:
        """Follow a gradient through one operator. If several go in, follow the one that fewest divisions touched."""
        taken = min(among, key=lambda each: (len(each.divisors or ()), -each.factor))
        divisors, factor, kind = taken.divisors, taken.factor, kind_of(call.name)
        if kind not in LINEAR:
            divisors = None
        elif kind == "_div_scalar" and divisors is not None:
            divisors = (*divisors, float(call.attributes["scalar"]))
        if kind in FACTORS and float(call.attributes["scalar"]):
            factor *= abs(FACTORS[kind](float(call.attributes["scalar"])))
        limit = float(call.attributes["a_max"]) if kind == "clip" else taken.limit
        derived = Derived(taken.buffer, divisors, factor, limit)
        for array in call.outputs:
            self._derived[array] = derived
        return derived

    def _gradient_written(
        self, buffer: Buffer, call: OperatorCall, in_place: bool, derived: Derived | None
    ) -> None:
        buffer.touched = True
        kind, scalar = kind_of(call.name), call.attributes.get("scalar")
        if kind in CLEARING or not in_place or (kind == "_mul_scalar" and float(scalar or 1) == 0):
            buffer.cleared = True
        if not self._now.step.sampled or derived is None:
            return
        if derived.limit is not None:
            self._now.note(Noted.ELEMENTS_CLIPPED, buffer.name, (derived.limit,))
        elif in_place and kind in SCALING:
            self._now.note(
                Noted.GRADIENT_SCALED, buffer.name, (float(scalar),) if scalar else (), detail=buffer.device
            )

    def _weight_written(self, buffer: Buffer, call: OperatorCall, derived: Derived | None) -> None:
        by_operator = call.name in OPTIMIZER_UPDATES
        # Operators of mx.np are not all seen: there a gradient that was read is taken for one that was used.
        by_hand = not buffer.optimised and (derived or (buffer.read and mx.util.is_np_array()))
        # Otherwise it is filled with data, restored, clipped or averaged, or taken elsewhere for a moment.
        if not buffer.ever or not (by_operator or by_hand):
            buffer.fed += 1
            return
        rescale = rate = None
        if by_operator:
            rescale = float(call.attributes.get("rescale_grad", 1))
        elif derived is not None:
            passes = sum(event.kind is Kind.BACKWARD for event in self._now.step.events)
            sizes = self._now.batch_sizes
            rescale = derived.rescale(
                {size * part for size in sizes for part in range(1, max(1, passes) + 1)}
            )
            rate = derived.factor if rescale is None and derived.divisors is not None else None
        self._updated(buffer, rescale, rate)

    def _updated(self, buffer: Buffer, rescale: float | None = None, rate: float | None = None) -> None:
        now = self._now
        now.updated(buffer.name, buffer, rescale=rescale, rate=rate)
        buffer.fed_before = buffer.fed
        if now.step.sampled:
            step, backward = now.step, buffer.last.number if buffer.last else 0
            now.later(lambda: step.weights.extend(self._copy(buffer, backward)))

    def _copy(self, buffer: Buffer, backward: int) -> list[WeightCopy]:
        array = buffer.array
        return [] if array is None else WeightCopy.of(buffer.name, array, self._now.stride(array), backward)
