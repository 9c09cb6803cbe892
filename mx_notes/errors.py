"""The errors that a user can act on, and the words that they share."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Something outside mx_notes is wrong: a file, a flag, the machine.

    The message is one line that names what is wrong and what would be right. The command line
    prints it without a traceback and exits with status 2.
    """


def nearest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Say what may have been meant by a word that is not among the known ones: "did you mean digits?".

    If none is like it, says `otherwise`, by default that one of the known words is expected.
    """
    known = list(known)
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else otherwise or f"expected one of {', '.join(known)}"


def at_least_one(setting: str, number: int) -> None:
    """Raise UserError for a number below 1. `setting` is how the user gave it, such as "--keep 0"."""
    if number < 1:
        raise UserError(f"{setting}: expected a whole number of at least 1")
