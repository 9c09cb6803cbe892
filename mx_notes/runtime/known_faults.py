"""What this project's sweep has measured MXNet to compute wrong: see docs/operators.md and benchmarks/operators.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("faults.json")


@dataclass(frozen=True)
class Fault:
    """One call that MXNet answers wrong.

    case: the call, and the shapes of its inputs. operators: those of its graph, by their names in MXNet's registry.
    what: "gradient", "forward", "optimizer", "metric", "index", "initializer", "crash". of: the inputs whose gradient
    is wrong, or what else is. when: the conditions (configuration, request, road, precision), each with the values
    under which it is wrong; a condition that does not matter is absent. many_uses: wrong, too, where an executor or
    static_alloc adds up eight gradients and more. got, right: at the worst place. cures: what was measured to be
    right instead. mended: whether `runtime.mend` was measured to put it right everywhere; mended_on: the roads
    that were wrong and are right with it.
    """

    case: str
    operators: tuple[str, ...]
    what: tuple[str, ...]
    of: tuple[str, ...]
    when: Mapping[str, tuple[str, ...]]
    many_uses: bool
    got: float | None
    right: float | None
    cures: tuple[str, ...]
    mended: bool
    mended_on: tuple[str, ...]


@cache
def known_faults() -> tuple[Fault, ...]:
    """All that were measured. Opens no MXNet."""
    return tuple(_fault(entry) for entry in json.loads(FILE.read_text(encoding="utf-8"))["faults"])


def _fault(entry: dict) -> Fault:
    worst = entry.get("worst", {})
    got, right = (None if value is None else float(value) for value in (worst.get("got"), worst.get("right")))
    lists = {key: tuple(entry[key]) for key in ("operators", "what", "of", "cures", "mended_on")}
    when = {condition: tuple(values) for condition, values in entry["when"].items()}
    return Fault(
        case=entry["case"],
        when=when,
        many_uses=entry["many_uses"],
        got=got,
        right=right,
        mended=entry["mended"],
        **lists,
    )
