"""The second gradient of contrib.interleaved_matmul_selfatt_valatt and _encdec_qk where the first input has none."""

from __future__ import annotations

from typing import Any

from ._door import Call, answer

FILE = "src/operator/contrib/transformer.cc"


def apply() -> None:
    """Compose both from batch_dot, as MXNet's documentation of them does."""
    answer(("_contrib_interleaved_matmul_selfatt_valatt",), _values)
    answer(("_contrib_interleaved_matmul_encdec_qk",), _scores)


def _values(call: Call) -> Any:
    F, heads = call.F, int(call.attributes["heads"])
    mixed, attention = call.inputs
    found = F.batch_dot(attention, _part(F, mixed, heads, 3, 2))
    found = F.reshape(found, shape=(-1, heads, 0, 0), reverse=True)
    return F.reshape(F.transpose(found, axes=(2, 0, 1, 3)), shape=(0, 0, -1))


def _scores(call: Call) -> Any:
    F, heads = call.F, int(call.attributes["heads"])
    queries, mixed = call.inputs
    queries = F.contrib.div_sqrt_dim(_part(F, queries, heads, 1, 0))
    return F.batch_dot(queries, _part(F, mixed, heads, 2, 0), transpose_b=True)


def _part(F: Any, mixed: Any, heads: int, parts: int, number: int) -> Any:
    """One of the interleaved projections: length × batch × (heads · parts · size) to (batch · heads) × length × size."""
    apart = F.reshape(mixed, shape=(0, 0, heads, parts, -1))
    one = F.reshape(F.slice_axis(apart, axis=3, begin=number, end=number + 1), shape=(0, 0, 0, -1))
    return F.reshape(F.transpose(one, axes=(1, 2, 0, 3)), shape=(-1, 0, 0), reverse=True)
