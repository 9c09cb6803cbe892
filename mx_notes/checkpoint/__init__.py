"""What is on disk of a training, and how it gets there whole."""

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
    "broadcast",
    "keep_only",
    "load",
    "newest",
    "place",
    "read",
    "save",
]
