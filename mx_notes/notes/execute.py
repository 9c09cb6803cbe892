"""Run `mx-notes notes`: measure the claims, print their table, write their page and evidence into a folder."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from tqdm import tqdm

from .. import disk, runtime
from ..errors import UserError, nearest
from .claim import Setting, claims, known
from .claim_processes import measure
from .page.render import html
from .record import Record, Result


def run(only: Sequence[str] | None, setting: Setting, out: Path) -> int:
    """Measure the claims with the ids in `only` (None: all); write `out/index.html` and `out/evidence.json`.

    Returns the exit status: 0 if every claim could be measured, whatever its verdict, 1 if one could not.
    Raises UserError, before anything is measured, for an unknown id, a negative seed or a folder that
    cannot be written.
    """
    if setting.seed < 0:
        raise UserError(f"--seed {setting.seed}: expected 0 or more")
    for name in only or ():
        if name not in known():
            hint = nearest(name, known(), otherwise="`mx-notes notes --list` lists them")
            raise UserError(f"--only {name}: no such claim; {hint}")
    _create(out)
    modules = {name: module for name, module in claims().items() if only is None or name in only}
    began = time.perf_counter()
    results = _measured(modules, setting)
    record = Record.of(setting, results, time.perf_counter() - began)
    _write(out / "evidence.json", record.to_json())
    _write(out / "index.html", html(record, out))
    summary = ", ".join(f"{count} {verdict}" for verdict, count in record.counts().items())
    quick = "; a quick run: smaller samples" if setting.quick else ""
    print(f"\n{summary}; {record.seconds:.0f} s, seed {setting.seed}{quick}")
    print(f"the page: {out / 'index.html'}")
    return 1 if any(result.outcome.error for result in results) else 0


def listing() -> str:
    """List the ids in the note's order, each with the beginning of its statement."""
    return "\n".join(
        f"{name:20} {textwrap.shorten(module.CLAIM.statement, 88, placeholder=' …')}"
        for name, module in claims().items()
    )


def _measured(modules: dict[str, ModuleType], setting: Setting) -> list[Result]:
    """Measure, and print each row of the table as soon as it and all rows above it are known."""
    workers = min(runtime.threads().count, len(modules))
    names = {claim: module.__name__ for claim, module in modules.items()}
    results: dict[str, Result] = {}
    rows = iter(modules)
    upcoming = next(rows)
    print(f"{'claim':20} {'verdict':13} why", flush=True)
    with tqdm(total=len(modules), unit="claim", leave=False, disable=not sys.stderr.isatty()) as bar:
        for claim, outcome in measure(names, setting, workers):
            results[claim] = Result(modules[claim], outcome)
            while upcoming in results:
                result = results[upcoming]
                bar.write(_row(upcoming, result))
                sys.stdout.flush()
                upcoming = next(rows, None)
            bar.update()
    return [results[claim] for claim in modules]


def _row(claim: str, result: Result) -> str:
    head = f"{claim:20} {result.verdict:13} "
    return textwrap.fill(result.deciding, 80, initial_indent=head, subsequent_indent=" " * len(head))


def _create(out: Path) -> None:
    with disk.writing(f"--out {out}"):
        out.mkdir(parents=True, exist_ok=True)
    if not os.access(out, os.W_OK):
        raise UserError(f"--out {out}: cannot be written: Permission denied")


def _write(path: Path, text: str) -> None:
    with disk.writing(path):
        disk.replace(path, text)
