"""Follows gradients through arithmetic by hand: what `param[:] = param - lr * param.grad / n` is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..graph.graph import SHAPE_ONLY
from ..graph.losses import ADDING, FACTORS, SUBTRACTING
from ..hooks.listener import OperatorCall
from .ledger import Buffer

DIVIDING = {"_div_scalar", "_npi_true_divide_scalar"}
LINEAR = (
    SHAPE_ONLY | ADDING | SUBTRACTING | set(FACTORS) | {"clip", "negative", "_crop_assign", "broadcast_sub"}
)


@dataclass(frozen=True)
class Share:
    """An array that has a gradient in it.

    divisors: by what it was divided; None once that can't be told. factor: of all factors, the learning
    rate among them, the product.
    """

    buffer: Buffer
    divisors: tuple[float, ...] | None = ()
    factor: float = 1.0

    def rescale(self, sizes: Iterable[int]) -> float | None:
        """The factor of a mean over one of these numbers of examples; None if nobody divided by one.

        The learning rate, which is another factor, can't be told from a factor of 1/n.
        """
        sizes, factor = set(sizes), 1.0
        for divisor in self.divisors or ():
            factor /= divisor if divisor in sizes else 1
        return factor if factor != 1 else None


class Derived:
    """The arrays computed from gradients, by their handles."""

    def __init__(self) -> None:
        self._shares: dict[int, Share] = {}

    def made(self, array: int, share: Share) -> None:
        """This array is a gradient, or has one in it."""
        self._shares[array] = share

    def among(self, arrays: Iterable[int]) -> list[Share]:
        """What gradients these arrays have in them."""
        return [self._shares[array] for array in arrays if array in self._shares] if self._shares else []

    def follow(self, call: OperatorCall, shares: list[Share]) -> Share:
        """The share in an operator's outputs, of those in its inputs the one that was divided least often."""
        share = min(shares, key=lambda each: (len(each.divisors or ()), -each.factor))
        divisors, factor = share.divisors, share.factor
        if call.name not in LINEAR:
            divisors = None
        elif call.name in DIVIDING and divisors is not None:
            divisors = (*divisors, float(call.attributes["scalar"]))
        if call.name in FACTORS and float(call.attributes["scalar"]):
            factor *= abs(FACTORS[call.name](float(call.attributes["scalar"])))
        share = Share(share.buffer, divisors, factor)
        for array in call.outputs:
            self._shares[array] = share
        return share

    def forget(self, array: int) -> None:
        """The handle was freed."""
        self._shares.pop(array, None)
