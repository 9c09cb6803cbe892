"""Words that several rules use."""

from __future__ import annotations

from collections.abc import Iterable

from ..graph.graph import Node


def some(names: Iterable[str]) -> str:
    """The first three names, and how many more there are."""
    names = list(dict.fromkeys(names))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def title(node: Node) -> str:
    """A node by its name and operator."""
    return node.op if node.name == node.op else f"{node.name} ({node.op})"
