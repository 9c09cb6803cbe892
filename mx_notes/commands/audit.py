"""`mx-notes audit`: a training script run as it is, and what the audit says of it."""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from ..audit.events import NOWHERE
from ..audit.finding import Finding
from ..audit.handover import OPENED, OPTIONS, left
from ..audit.ignores import expect_rule, fault, ignores_in
from ..audit.report.accepting import accept, baseline
from ..audit.report.formats import Format, written
from ..audit.report.summary import Summary
from ..audit.settings import Settings, settings_for
from ..errors import UserError, at_least_one
from ..runtime import mends
from . import child
from .following import Following, store

BEGIN = "mx_notes.audit.process:begin"


@dataclass(frozen=True)
class Asked:
    """What is to be audited, and how."""

    script: Path | None
    module: list[str] | None  # instead of the script: its name and arguments
    arguments: list[str]
    max_steps: int | None
    attest: bool  # count with MXNet's profiler, too
    check_gradients: float  # as of `audit.watch.audit`
    mend: bool  # put right what MXNet computes wrong
    outputs: list[tuple[str, Format, Path | None]]  # the flag, and None for the terminal
    ignore: list[str]
    strict: bool  # warnings count as errors do
    baseline: Path | None
    live: bool  # tell findings when they are found
    verbose: bool


def explain(rule: str | None) -> int:
    """Print one rule, or the list of all; returns the exit status. Raises UserError for an unknown rule."""
    if rule is not None:
        expect_rule(rule, f"--explain {rule}")
    from ..audit.report import handbook  # opens MXNet

    print(handbook.listing() if rule is None else handbook.explain(rule))
    return 0


def report(asked: Asked) -> int:
    """Run the script, or the module, under the audit, and write the reports: files, and one on stderr.

    Returns the exit status: 1 if an error was found, or a warning where that counts, otherwise the script's
    own. Raises UserError for what cannot be run, read or written.
    """
    for flag, _, file in asked.outputs:
        if file and (file.is_dir() or not os.access(file.absolute().parent, os.W_OK)):
            raise UserError(f"{flag} {file}: cannot be written; name a file in a folder that is there")
    command = child.command(asked.script, asked.module, asked.arguments)
    settings = _settings(asked)
    known = baseline(asked.baseline) if asked.baseline else None
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    with tempfile.TemporaryDirectory() as folder:

        def summary(pid: int, status: int | None = None) -> Summary:
            found = _summary(command, Path(folder), pid, status)
            return accept(found, settings, known, f"--baseline {asked.baseline}")

        def keep(summary: Summary) -> None:
            for flag, form, file in asked.outputs:
                if file and (summary.status is not None or form is Format.JSON):
                    store(flag, file, written(summary, form, asked.verbose))

        options = {
            "folder": folder,
            "mend": asked.mend,
            "live": asked.live,
            "options": {
                "max_steps": settings.max_steps,
                "attest": asked.attest,
                "check_gradients": asked.check_gradients,
            },
        }
        variables = child.environment(then=BEGIN) | {OPTIONS: json.dumps(options)}
        following = Following(Path(folder), summary, keep, asked.live, colour)
        pid, status = child.run(command, variables, following.look, following.request)
        found = summary(pid, status)
    if asked.mend:
        found = replace(found, mended=mends.names())
    for form in [form for _, form, file in asked.outputs if file is None] or [Format.TEXT]:
        print(written(found, form, asked.verbose, colour), file=sys.stderr)
    keep(found)
    wrong = found.is_wrong or (settings.strict and found.warnings)
    return 1 if wrong else status or int(not found.rules)  # no report: nothing is known


def _settings(asked: Asked) -> Settings:
    """What flags, the project and the script's own comments say, before anything runs. Raises UserError."""
    at_least_one(f"--max-steps {asked.max_steps}", 1 if asked.max_steps is None else asked.max_steps)
    if not 0 <= asked.check_gradients < math.inf:
        raise UserError(f"--check-gradients {asked.check_gradients:g}: expected seconds, 0 or more")
    script = None if asked.module else asked.script
    settings = settings_for(script.absolute().parent if script else Path.cwd())
    settings = settings.ignoring(asked.ignore, "--ignore")
    faults = [fault(ignore) for ignore in ignores_in(str(script))] if script and script.is_file() else []
    for message in filter(None, faults):
        raise UserError(message)
    max_steps = settings.max_steps if asked.max_steps is None else asked.max_steps
    return replace(settings, max_steps=max_steps, strict=settings.strict or asked.strict)


def _summary(command: list[str], folder: Path, pid: int, status: int | None) -> Summary:
    """What the processes of the script left in the folder, the first of them with its children.

    status: None while the script runs.
    """
    found = left(folder)
    own = found.pop(str(pid), None) or _unseen(folder, pid, status, bool(found))
    if status is not None and not (folder / f"{pid}.json").exists() and own.rules:
        remark = (
            f"the script ended with status {status} before the audit could: this is as of step {own.steps}"
        )
        own = replace(own, remarks=[*own.remarks, remark])
    script = " ".join(command[1:])
    own = replace(own, script=script, status=status, children=list(found.values()))
    # Of the script's own file, this was said before it ran.
    faults = dict.fromkeys(fault(ignore) for each in own.processes for ignore in each.ignores)
    return replace(own, remarks=[*own.remarks, *filter(None, faults)])


def _unseen(folder: Path, pid: int, status: int | None, trained_elsewhere: bool) -> Summary:
    """The summary of a first process that left no report: it opened no MXNet, or had no time to."""
    findings, remarks = [], []
    if status is None:
        remarks.append("no step so far")
    elif (folder / f"{pid}{OPENED}").exists():
        remarks.append(f"the script ended with status {status} before the audit could report")
    elif not trained_elsewhere:
        from ..audit.rules.nothing_trained import NothingTrained, message  # opens MXNet

        words = message("no MXNet: the script ended without opening it")
        findings.append((Finding(NothingTrained.id, NothingTrained.severity, words, 0, True, NOWHERE), 1))
    return Summary(None, status, 0, findings, [], {}, [], remarks, [], {}, None, {})
