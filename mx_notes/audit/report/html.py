"""The audit's report as one HTML file that loads nothing, with a timeline of the first steps."""

from __future__ import annotations

import platform
import tokenize
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import numpy as np

from ...runtime import mx
from ..rules import RULES, Finding, Rule
from .text import plural
from .timeline import MARK_HEIGHT, NUMBER, timeline

if TYPE_CHECKING:
    from ..watch import Watch


CALLS = ("forward", "backward", "update", "micro-batches")


def html(watch: Watch) -> str:
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
        script=watch.script,
        steps=watch.number_of_steps,
        versions=versions(),
        found=[
            Found(finding, watch.repeats[finding], excerpt(finding.file, finding.line))
            for finding in sorted(watch.findings, key=lambda finding: finding.severity)
        ],
        rules=[(rule, *_state(watch, rule)) for rule in RULES.values()],
        calls=calls(watch),
        attestation=watch.attestation,
        timeline=timeline(watch.first_steps, watch.found_on),
        number_width=NUMBER,
        mark_height=MARK_HEIGHT,
    )


@dataclass(frozen=True)
class Found:
    """A finding with what is shown beside it."""

    finding: Finding
    steps: int  # on which it was seen
    excerpt: list[tuple[int, str]]  # lines of the program, with their numbers


def excerpt(file: str | None, line: int | None) -> list[tuple[int, str]]:
    """That line of a program and its neighbours; nothing if it can't be read."""
    if not file or not line:
        return []
    try:
        with tokenize.open(file) as source:
            lines = source.read().splitlines()
    except (OSError, SyntaxError, ValueError):
        return []
    first = max(line - 2, 1)
    return list(enumerate(lines[first - 1 : line + 1], start=first)) if line <= len(lines) else []


def calls(watch: Watch) -> tuple[list[int], dict[str, list[int]]]:
    """How often something ran in a step, and for each kind of call, the number of steps in which it did so."""
    totals = watch.recorder.totals
    kinds = [kind for kind in CALLS if any(of == kind for of, _ in totals)]
    times = sorted({times for kind, times in totals if kind in kinds})
    return times, {kind: [totals[kind, n] for n in times] for kind in kinds}


def versions() -> dict[str, str]:
    """Of what the report depends on."""
    found = {
        "MXNet": mx.__version__,
        "NumPy": np.__version__,
        "Python": platform.python_version(),
    }
    with suppress(metadata.PackageNotFoundError):  # run from a checkout
        found["mx_notes"] = metadata.version("mx_notes")
    return found


def _state(watch: Watch, rule: Rule) -> tuple[str, str]:
    """A rule's state, as a word for the style sheet and as a sentence."""
    severities = [finding.severity for finding in watch.findings if finding.rule == rule.id]
    if severities:
        return min(severities), f"{min(severities)} found"  # "error" comes before "warning"
    checked = watch.checked.get(rule.id)
    return ("held", f"held on {plural(checked, 'step')}") if checked else ("unchecked", "nothing to check")
