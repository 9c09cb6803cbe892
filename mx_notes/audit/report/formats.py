"""The forms in which a report can be had."""

from __future__ import annotations

import importlib
from enum import Enum

from .summary import Summary


class Format(str, Enum):
    """Each is a module of this folder, with a function of its name that writes a summary."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"
    GITHUB = "github"  # commands by which a workflow marks lines of a pull request
    SARIF = "sarif"
    JUNIT = "junit"


def written(summary: Summary, form: Format, verbose: bool = False, colour: bool = False) -> str:
    """The report in this form; verbose and colour are for text alone."""
    module = importlib.import_module(f".{form.value}", __package__)
    write = getattr(module, form.value)
    return write(summary, verbose, colour) if form is Format.TEXT else write(summary)
