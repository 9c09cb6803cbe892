"""`mx-notes models`: the networks, or the layers of one."""

from __future__ import annotations

from ..models import names
from ..models.size_table import size_table


def report(name: str | None = None) -> int:
    """Print the network's table of layers, or all networks' names. Raises UserError for an unknown name."""
    print(size_table(name).text() if name else "\n".join(names()))
    return 0
