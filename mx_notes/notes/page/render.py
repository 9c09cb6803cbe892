"""Render a record as one self-contained HTML file, with all that was measured and two parts to play with."""

from __future__ import annotations

import inspect
import math
import os
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ..claim import HEADINGS, Figure
from ..record import Record, Result
from .formulas import scientific, to_html

FOLDER = Path(__file__).parent
ROOT = Path(__file__).parents[3]
MARKS = {"confirmed": "✓", "corrected": "✎", "refuted": "✗", "inconclusive": "≈", "not measured": "!"}
LIVE = ("softmax", "momentum")  # claims with a part to play with: live_<id>.html and live.js


def html(record: Record, folder: Path) -> str:
    """Render the record as a page for a folder. The page loads nothing: style, script, font and figures stand in it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "formulas": to_html,
        "cell": cell,
        "is_number": is_number,
        "drawing": drawing,
        "title": title,
    }
    return environment.get_template("note.html").render(
        record=record,
        sections=[
            (HEADINGS[heading], list(results))
            for heading, results in groupby(record.results, lambda result: result.claim.heading)
        ],
        marks=MARKS,
        live=[result.claim.id for result in record.results if result.claim.id in LIVE],
        sources=sources,
        path=path,
        handbook=handbook(folder),
        font=_own("chinese.css"),
        css=_own("note.css"),
        guesses=_own("guess.js"),
        script=_own("live.js"),
    )


def _own(name: str) -> Markup:
    return Markup((FOLDER / name).read_text(encoding="utf-8"))


def handbook(folder: Path) -> str:
    """Find the way from a folder to the page of the audit's rules; empty outside of a checkout, where it is not."""
    page = ROOT / "docs" / "rules.md"
    return os.path.relpath(page, folder.resolve()) if page.is_file() else ""


def title(claim_id: str) -> str:
    """Write a claim's id as a heading: "resnet-table" -> "ResNet table"."""
    return claim_id.replace("-", " ").capitalize().replace("Resnet", "ResNet")


@dataclass(frozen=True)
class Source:
    """A function's source, and where it stands."""

    name: str
    place: str  # "mx_notes/notes/claims/softmax.py, line 40"
    code: str


def sources(result: Result) -> list[Source]:
    """Read the source of the functions that the claim shows."""
    return [_source(function) for function in result.claim.shown]


def _source(function: Callable) -> Source:
    function = inspect.unwrap(function)
    lines, start = inspect.getsourcelines(function)
    file = Path(inspect.getsourcefile(function))
    return Source(function.__name__, f"{_relative(file)}, line {start}", textwrap.dedent("".join(lines)))


def path(result: Result) -> str:
    """Give the file of the claim's module as a path from the repository's root."""
    return _relative(Path(result.module.__file__))


def _relative(file: Path) -> str:
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else file.name


def drawing(figure: Figure, name: str) -> Markup:
    """Fit a figure's SVG into a page beside others; the element `name`-caption labels it.

    Matplotlib's ids get `name` in front, so that no two figures share an id. The fixed size goes, so that the
    page's style decides it. Style sheet and metadata go, because they would apply to the whole page.
    """
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", figure.svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    head, tail = svg.split(">", 1)
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    label = Markup(' role="img" aria-labelledby="{}-caption">').format(name)
    return Markup(head) + label + Markup(tail)


def is_number(value: Any) -> bool:
    """Whether a table's cell is set as a number."""
    return isinstance(value, Real) and not isinstance(value, bool)


def cell(value: Any) -> str:
    """Write a table's cell as safe HTML: whole numbers in full, others with four significant digits."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, Real):
        return _four_digits(float(value))
    return to_html("–" if value is None else value)


def _four_digits(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    sign = "−" if value < 0 else ""
    if math.isinf(value):
        return f"{sign}∞"
    mantissa, exponent = f"{abs(value):.3e}".split("e")
    if value != 0 and not -4 <= int(exponent) < 6:
        return sign + scientific(f"{float(mantissa):g}", int(exponent))
    decimals = max(0, 3 - int(exponent))
    text = f"{round(abs(value), 3 - int(exponent)):,.{decimals}f}" if value else "0"
    return sign + (text.rstrip("0").rstrip(".") if "." in text else text)
