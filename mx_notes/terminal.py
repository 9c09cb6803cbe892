"""Text for a terminal of 80 columns."""

from __future__ import annotations

import textwrap

WIDTH = 80


def narrow(text: str, indent: int = 0) -> str:
    """Break each line that is longer than WIDTH between words; its other parts are indented so far.

    A line that is indented itself goes on below its own beginning. A word, such as a path, stays whole.
    """
    return "\n".join(_narrow(line, indent) for line in text.split("\n"))


def _narrow(line: str, indent: int) -> str:
    own = len(line) - len(line.lstrip())
    return textwrap.fill(
        line,
        WIDTH,
        subsequent_indent=" " * max(own, indent),
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
