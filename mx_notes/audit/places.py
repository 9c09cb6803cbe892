"""Lines of the user's program as a reader knows them: relative paths, cells of a notebook, the source itself."""

from __future__ import annotations

import linecache
import os
import sys
import tokenize
from pathlib import Path

from .events import Place


def in_words(place: Place) -> str:
    """The place as a reader finds it: "train.py:31", "cell 7, line 3"; "" for none."""
    if not place.file:
        return ""
    cell = _cell(place.file)
    if cell:
        return f"{cell}, line {place.line}"
    return f"{shown(place.file)}:{place.line}"


def shown(file: str) -> str:
    """The file's path, relative to the working folder if it is inside."""
    try:
        near = os.path.relpath(file)
    except (OSError, ValueError):  # the working folder is gone
        return file
    return file if near.startswith(os.pardir) else near


def in_repository(file: str) -> str:
    """The file's path relative to the repository that it is in, as a URL has it; the whole path outside of one."""
    path = Path(os.path.abspath(file))
    root = repository(path)
    return path.relative_to(root).as_posix() if root else path.as_posix()


def repository(path: Path) -> Path | None:
    """The nearest folder around a path that Git manages."""
    return next((folder for folder in path.parents if (folder / ".git").exists()), None)


def lines(file: str) -> list[str]:
    """The lines of a program, or of a notebook's cell; none if it can't be read."""
    try:
        with tokenize.open(file) as source:
            return source.read().splitlines()
    except (OSError, SyntaxError, ValueError):
        return [line.rstrip("\n") for line in linecache.getlines(file)]  # IPython enters its cells there


def source_line(place: Place) -> str:
    """The line itself, without its indentation; "" if it can't be read."""
    there = lines(place.file) if place.file and place.line else []
    return there[place.line - 1].strip() if place.line and place.line <= len(there) else ""


def excerpt(place: Place) -> list[tuple[int, str]]:
    """That line of a program and its neighbours, numbered; nothing if it can't be read."""
    there = lines(place.file) if place.file and place.line else []
    if not place.line or place.line > len(there):
        return []
    first = max(place.line - 2, 1)
    return list(enumerate(there[first - 1 : place.line + 1], start=first))


def _cell(file: str) -> str:
    """ "cell 7", if the file is what IPython calls a cell that it ran."""
    opened = sys.modules.get("IPython")
    shell = opened.get_ipython() if opened else None
    named = shell.compile.format_code_name(file) if shell else None  # ("Cell", "In[7]")
    return f"cell {named[1].removeprefix('In[').removesuffix(']')}" if named else ""
