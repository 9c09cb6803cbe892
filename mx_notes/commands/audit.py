"""`mx-notes audit`: a training script run as it is, and what the audit says of it."""

from __future__ import annotations

import json as standard
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from .. import disk
from ..audit.events import NOWHERE
from ..audit.finding import Finding
from ..audit.report.json import summary_of
from ..audit.report.summary import Summary
from ..audit.report.text import text
from ..errors import UserError, at_least_one
from ..runtime import mends
from . import child

BEGIN = "mx_notes.audit.process:begin"
OPTIONS = "MX_NOTES_AUDIT"


def explain(rule: str | None) -> int:
    """Print one rule, or the list of all; returns the exit status. Raises UserError for an unknown rule."""
    from ..audit.report import handbook  # opens MXNet

    print(handbook.listing() if rule is None else handbook.explain(rule))
    return 0


def report(
    script: Path | None,
    module: list[str] | None,
    arguments: list[str],
    max_steps: int | None = None,
    attest: bool = False,
    mend: bool = False,
    json: Path | None = None,
    html: Path | None = None,
) -> int:
    """Run the script, or the module (its name and arguments), under the audit, and print the report on stderr.

    max_steps: stop the script after so many. attest: count with MXNet's profiler, too. mend:
    put right what MXNet computes wrong. json, html: files for
    the report. Returns the exit status: 1 if an error was found, otherwise the script's own. Raises UserError
    for what cannot be run or written.
    """
    at_least_one(f"--max-steps {max_steps}", 1 if max_steps is None else max_steps)
    for flag, file in (("--json", json), ("--html", html)):
        if file and (file.is_dir() or not os.access(file.absolute().parent, os.W_OK)):
            raise UserError(f"{flag} {file}: cannot be written; name a file in a folder that is there")
    command = child.command(script, module, arguments)
    with tempfile.TemporaryDirectory() as folder:
        options = {"folder": folder, "mend": mend, "options": {"max_steps": max_steps, "attest": attest}}
        variables = child.environment(then=BEGIN) | {OPTIONS: standard.dumps(options)}
        pid, status = child.run(command, variables)
        summary = _summary(command, Path(folder), pid, status)
    if mend:
        summary = replace(summary, mended=mends.names())
    print(text(summary), file=sys.stderr)
    if json:
        from ..audit.report.json import json as to_json

        _write("--json", json, to_json(summary))
    if html:
        from ..audit.report.html import html as to_html

        _write("--html", html, to_html(summary))
    return 1 if summary.is_wrong else status or int(not summary.rules)  # no report: nothing is known


def _summary(command: list[str], folder: Path, pid: int, status: int) -> Summary:
    """What the processes of the script left in the folder, the first of them with its children."""
    found = {
        path.stem: summary_of(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))
    }
    own = found.pop(str(pid), None) or _unseen(
        command, (folder / f"{pid}.opened").exists(), status, bool(found)
    )
    return replace(own, script=" ".join(command[1:]), status=status, children=list(found.values()))


def _unseen(command: list[str], opened: bool, status: int, trained_elsewhere: bool) -> Summary:
    """The summary of a first process that left no report: it opened no MXNet, or had no time to."""
    findings, remarks = [], []
    if opened:
        remarks.append(f"the script ended with status {status} before the audit could report")
    elif not trained_elsewhere:
        from ..audit.rules.nothing_trained import NothingTrained, message  # opens MXNet

        words = message("no MXNet: the script ended without opening it")
        findings.append((Finding(NothingTrained.id, NothingTrained.severity, words, 0, True, NOWHERE), 1))
    return Summary(None, status, 0, findings, [], {}, [], remarks, [], {}, None, {})


def _write(flag: str, file: Path, content: str) -> None:
    with disk.writing(f"{flag} {file}"):
        # Not as a whole: the file may be a pipe. A file's name in the report may hold bytes that are not UTF-8.
        file.write_text(content, encoding="utf-8", errors="replace")
