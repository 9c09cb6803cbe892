"""The audit's report as one HTML file that loads nothing, with a timeline of the first steps."""

from __future__ import annotations

import tokenize
from pathlib import Path

import jinja2

from ..events import Place
from .summary import Summary, plural
from .timeline import MARK_HEIGHT, NUMBER, timeline


def html(summary: Summary) -> str:
    """The report as a page: findings first, a line per rule, the calls per step, the timeline."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plural"] = plural
    return environment.get_template("page.html").render(
        summary=summary,
        excerpts=[excerpt(finding.place) for finding, _ in summary.findings],
        times=sorted({times for counts in summary.calls.values() for times in counts}),
        timeline=timeline(summary.first_steps, summary.found_on),
        number_width=NUMBER,
        mark_height=MARK_HEIGHT,
    )


def excerpt(place: Place) -> list[tuple[int, str]]:
    """That line of a program and its neighbours, numbered; nothing if it can't be read."""
    if not place.file or not place.line:
        return []
    try:
        with tokenize.open(place.file) as source:
            lines = source.read().splitlines()
    except (OSError, SyntaxError, ValueError):
        return []
    first = max(place.line - 2, 1)
    return list(enumerate(lines[first - 1 : place.line + 1], start=first)) if place.line <= len(lines) else []
