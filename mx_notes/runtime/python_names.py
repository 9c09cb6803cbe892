"""The names that Python's own library has lost and that programs of MXNet's time read.

They are found as NumPy's are (`old_names`): a program that asks for one gets it, and is told so at its end.
"""

from __future__ import annotations

import base64
import collections
import errno
import fractions
import inspect
import locale
import math
import os
import time
from types import ModuleType
from typing import Any, NamedTuple

from .old_names import OldNames


class ArgSpec(NamedTuple):
    """A function's arguments, as `inspect.getargspec` returned them until Python 3.11."""

    args: list[str]
    varargs: str | None
    keywords: str | None
    defaults: tuple | None


def _getargspec(func: Any) -> ArgSpec:
    """Raises ValueError, as it did, for a function with keyword-only arguments or annotations."""
    names, varargs, keywords, defaults, keyword_only, _, annotations = inspect.getfullargspec(func)
    if keyword_only or annotations:
        raise ValueError(
            "Function has keyword-only parameters or annotations, use inspect.signature() API which can support them"
        )
    return ArgSpec(names, varargs, keywords, defaults)


_ABSTRACT = {name: getattr(collections.abc, name) for name in collections.abc.__all__}
OLD: dict[ModuleType, dict[str, Any]] = {
    collections: _ABSTRACT,  # gone in 3.10
    inspect: {"getargspec": _getargspec},  # 3.11
    time: {"clock": time.process_time},  # 3.8: on Unix it was the processor's time
    fractions: {"gcd": math.gcd},  # 3.9
    base64: {"encodestring": base64.encodebytes, "decodestring": base64.decodebytes},  # 3.9
    os: {"errno": errno, "getcwdu": os.getcwd},  # 3.7, 3.0
    locale: {"format": locale.format_string},  # 3.12
}


def restore_python_names() -> None:
    """Give the modules of Python's library the names that they lack; `prepare` does."""
    for module, names in OLD.items():
        OldNames.give_back(module, names.__getitem__, module.__name__)
