"""Which findings of a summary are accepted: by a comment, by the settings, because they were there before."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from ... import disk
from ...errors import UserError
from ..finding import Accepted, Finding, Severity
from ..places import in_repository, source_line
from ..settings import Settings
from .summary import RuleState, State, Summary

COMMENT = "a comment"
LARGEST = 64 << 20  # bytes: a report holds the events of its first steps, of each process

# Rule, path in the repository, source of the line: lines above it may come and go.
Known = Counter[tuple[str, str, str]]


def accept(summary: Summary, settings: Settings, known: Known | None = None, name: str = "") -> Summary:
    """The summary with accepted findings set apart, in its children, too, and with the settings' severities.

    known: findings that were there before, from the file `name`; each accepts one.
    """
    return _accept(summary, settings, Counter(known or {}), name)


def _accept(summary: Summary, settings: Settings, left: Known, name: str) -> Summary:
    findings, accepted, changed = [], list(summary.accepted), {}
    for finding, steps in summary.findings:
        ignore = next((each for each in summary.ignores if each.accepts(finding)), None)
        if ignore:
            accepted.append(Accepted(finding, steps, COMMENT, ignore.reason))
        elif finding.rule in settings.ignored:
            accepted.append(Accepted(finding, steps, settings.ignored[finding.rule]))
        elif left[_key(finding)] > 0:
            left[_key(finding)] -= 1
            accepted.append(Accepted(finding, steps, name))
        else:
            severity = settings.severity.get(finding.rule, finding.severity)
            changed[finding] = replace(finding, severity=severity)
            findings.append((changed[finding], steps))
    order = list(Severity)
    return replace(
        summary,
        findings=sorted(findings, key=lambda each: order.index(each[0].severity)),
        accepted=accepted,
        rules=[_state(rule, [finding for finding, _ in findings]) for rule in summary.rules],
        found_on={
            step: [changed[finding] for finding in found if finding in changed]
            for step, found in summary.found_on.items()
        },
        children=[_accept(child, settings, left, name) for child in summary.children],
    )


def _state(rule: RuleState, findings: list[Finding]) -> RuleState:
    if rule.state not in (State.ERROR, State.WARNING):
        return rule
    left = {finding.severity for finding in findings if finding.rule == rule.id}
    if not left:
        return replace(rule, state=State.ACCEPTED)
    return replace(rule, state=State.ERROR if Severity.ERROR in left else State.WARNING)


def baseline(file: Path) -> Known:
    """The findings in an earlier report (`--json`), those accepted then included.

    Raises UserError, one line, if the file is not such a report.
    """
    from .json import SCHEMA

    report = disk.parse_json(disk.read(file, LARGEST), file, LARGEST)
    if report.get("schema") != SCHEMA:
        raise UserError(f"{file}: not a report of this version of mx-notes; write it anew with --json {file}")
    try:
        return _known(report)
    except (KeyError, TypeError, AttributeError):
        raise UserError(f"{file}: not a whole report; write it anew with --json {file}") from None


def _known(report: dict) -> Known:
    found: Known = Counter(
        (str(each["rule"]), str(each["path"] or ""), str(each["source"]))
        for each in [*report["findings"], *report["accepted"]]
    )
    for child in report["children"]:
        found += _known(child)
    return found


def _key(finding: Finding) -> tuple[str, str, str]:
    return (
        finding.rule,
        in_repository(finding.file) if finding.file else "",
        source_line(finding.place),
    )
