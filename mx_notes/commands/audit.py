"""`mx-notes audit`: a training script run as it is, and what the audit says of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .. import disk
from ..errors import UserError, at_least_one


def explain(rule: str | None) -> int:
    """Print one rule, or the list of all; returns the exit status. Raises UserError for an unknown rule."""
    from ..audit.report import handbook  # opens MXNet

    print(handbook.listing() if rule is None else handbook.explain(rule))
    return 0


def report(
    script: Path | None,
    arguments: list[str],
    max_steps: int | None = None,
    attest: bool = False,
    json: Path | None = None,
    html: Path | None = None,
) -> int:
    """Run the script under the audit, print the report on stderr, and write it to the files `json` and `html`.

    max_steps: stop the script after so many. attest: count with MXNet's profiler, too. Returns the exit
    status: 0 if no error was found, 1 otherwise. Raises UserError for what cannot be run or written.
    """
    if script is None:
        raise UserError("audit: name the SCRIPT to run, as in: mx-notes audit train.py --epochs 3")
    at_least_one(f"--max-steps {max_steps}", 1 if max_steps is None else max_steps)
    for flag, file in (("--json", json), ("--html", html)):
        if file and (file.is_dir() or not os.access(file.absolute().parent, os.W_OK)):
            raise UserError(f"{flag} {file}: cannot be written; name a file in a folder that is there")
    from ..audit.runner import run  # opens MXNet

    watch, status = run(script, arguments, max_steps, attest)
    sys.stdout.flush()
    print(watch.report(), file=sys.stderr)
    if status:
        print(f"the script itself ended with status {status}", file=sys.stderr)
    if json:
        _write("--json", json, watch.to_json())
    if html:
        _write("--html", html, watch.to_html())
    return 1 if watch.errors or (watch.attestation and watch.attestation.contradicted) else 0


def _write(flag: str, file: Path, text: str) -> None:
    with disk.writing(f"{flag} {file}"):
        # Not as a whole: the file may be a pipe. A file's name in the report may hold bytes that are not UTF-8.
        file.write_text(text, encoding="utf-8", errors="replace")
