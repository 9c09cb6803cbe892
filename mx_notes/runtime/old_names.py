"""Finds names that a module has lost, through its own `__getattr__`, and says at the program's end where they were read."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_LIBRARIES = tuple(f"{os.sep}{folder}{os.sep}" for folder in ("site-packages", "dist-packages"))
_places: dict[tuple[str, str, int], None] = {}  # name, file and line: in the order of the program


class OldNames:
    """A module's `__getattr__`, which Python calls for a name that the module does not have."""

    def __init__(self, module: ModuleType, value: Callable[[str], Any], written: str) -> None:
        """value: gives an old name's value, or raises KeyError for another name. written: how programs call the module."""
        self._module, self._value, self._written = module, value, written
        self._otherwise = module.__dict__.get("__getattr__")

    @classmethod
    def give_back(cls, module: ModuleType, value: Callable[[str], Any], written: str) -> None:
        """Let the module find its old names; costs nothing when repeated."""
        if not isinstance(module.__dict__.get("__getattr__"), cls):
            module.__getattr__ = cls(module, value, written)

    def __call__(self, name: str) -> Any:
        """Find a name that the module does not have."""
        try:
            value = self._value(name)
        except KeyError:
            if self._otherwise:
                return self._otherwise(name)
            raise AttributeError(
                f"module {self._module.__name__!r} has no attribute {name!r}", name=name, obj=self._module
            ) from None
        note(f"{self._written}.{name}")
        return value


def note(name: str) -> None:
    """Remember who has called the function that calls this one, unless it is a library."""
    reader = sys._getframe(2)
    file = reader.f_code.co_filename
    if file.startswith("<frozen") or any(folder in file for folder in _LIBRARIES):
        return
    if not _places:
        atexit.register(_tell, os.getpid())
    _places[name, file, reader.f_lineno] = None


def _tell(pid: int) -> None:
    if pid != os.getpid():  # a fork
        return
    shown = [f"{name} ({file}:{line})" for name, file, line in list(_places)[:8]]
    rest = len(_places) - len(shown)
    words = ", ".join(shown) + (f" and {rest} more" if rest else "")
    print(
        f"mx-notes: old names in use: {words}; `mx-notes doctor SCRIPT` says what to write today",
        file=sys.stderr,
    )
