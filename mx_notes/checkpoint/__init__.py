"""The state of a training on disk: saved whole, read back checked, put into a run or a network."""

from .beginning import Beginning, begin_from
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
from .network import Network, restore, restore_alone
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
    "Beginning",
    "Network",
    "State",
    "begin_from",
    "broadcast",
    "keep_only",
    "load",
    "newest",
    "place",
    "read",
    "restore",
    "restore_alone",
    "save",
]
