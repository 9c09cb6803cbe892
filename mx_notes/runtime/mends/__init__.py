"""Parts of MXNet 1.9.1 that compute something wrong, put right from Python: one file each, found by themselves.

A module of this folder whose name does not begin with _ says what it mends in its docstring's first line, has
`FILE`, the files of MXNet's source where the fault is, and `apply()`, which replaces them in this process.
docs/operators.md has what was measured with and without.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Mend:
    """A part of MXNet that is put right. file: where its fault is, in MXNet's source."""

    name: str
    what: str
    file: str


SAID = "MX_NOTES_MENDED"  # set once a process of the program has said what is mended
_mended: list[Mend] = []


def names() -> list[str]:
    """The names of all mends. Opens nothing."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))


def available() -> list[Mend]:
    """All mends, as their files describe them. Opens no MXNet."""
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names()}
    return [
        Mend(name, _first_sentence(module.__doc__ or ""), module.FILE) for name, module in modules.items()
    ]


def apply_all() -> list[Mend]:
    """Put right all that can be, in this process; returns what is, also when called again."""
    if not _mended:
        for mend in available():
            sys.modules[f"{__name__}.{mend.name}"].apply()
            _mended.append(mend)
    return list(_mended)


def _first_sentence(docstring: str) -> str:
    return " ".join(docstring.partition("\n\n")[0].split()).rstrip(".")


def begin() -> None:
    """Put right all that can be; the program's first process says so in one line on stderr."""
    mended = apply_all()
    if not os.environ.get(SAID):
        os.environ[SAID] = "1"
        print(f"mx-notes: MXNet mended: {', '.join(each.name for each in mended)}", file=sys.stderr)
