"""The state of a training on disk: saved whole, read back checked, put into a run or a network."""

from .folder import (
    DAMAGED,
    FILES,
    MANIFEST,
    NAME,
    OPTIMIZER,
    PARAMETERS,
    PROGRESS,
    RECIPE,
    SYMBOL,
    broadcast,
    keep_only,
    load,
    newest,
    place,
    read,
    save,
)
from .network import Network, restore
from .state import State

__all__ = [
    "DAMAGED",
    "FILES",
    "MANIFEST",
    "NAME",
    "OPTIMIZER",
    "PARAMETERS",
    "PROGRESS",
    "RECIPE",
    "SYMBOL",
    "Network",
    "State",
    "broadcast",
    "keep_only",
    "load",
    "newest",
    "place",
    "read",
    "restore",
    "save",
]
