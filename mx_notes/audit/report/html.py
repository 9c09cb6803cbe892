"""The audit's report as one HTML file that loads nothing, with a timeline of the first steps."""

from __future__ import annotations

from pathlib import Path

import jinja2

from ..places import excerpt, in_words
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
        places=[in_words(finding.place) for finding, _ in summary.findings],
        excerpts=[excerpt(finding.place) for finding, _ in summary.findings],
        times=sorted({times for counts in summary.calls.values() for times in counts}),
        timeline=timeline(summary.first_steps, summary.found_on),
        number_width=NUMBER,
        mark_height=MARK_HEIGHT,
    )
