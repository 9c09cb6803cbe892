"""The audit's findings as SARIF 2.1.0, OASIS' format for what analyses find."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..finding import Finding
from ..places import in_repository, repository
from .accepting import COMMENT
from .summary import Summary
from .text import printable

VERSION = "2.1.0"
ROOT = "SRCROOT"  # stands for the repository's folder, wherever that is


def sarif(summary: Summary) -> str:
    """One run with the findings of all processes, accepted ones as suppressed; the rules in their own words."""
    from ..rules import Rule, rules  # opens MXNet

    known = rules()

    def described(rule: type[Rule]) -> dict[str, Any]:
        more = (rule.__doc__ or "").split("\n\n")[1:]
        right = f"wrong:\n{rule.wrong}\n\nright:\n{rule.right}"
        return {
            "id": rule.id,
            "shortDescription": {"text": f"{rule.sentence()}."},
            "fullDescription": {
                "text": " ".join([f"{rule.sentence()}.", *(" ".join(each.split()) for each in more)])
            },
            "help": {"text": f"Sees: {rule.sees}.\n\n{right}"},
            "defaultConfiguration": {"level": rule.severity.value},
        }

    order = list(known)
    results = [{"ruleIndex": order.index(each["ruleId"])} | each for each in _results(summary)]
    driver = {"name": "mx_notes", "rules": [described(rule) for rule in known.values()]}
    if "mx_notes" in summary.versions:
        driver["version"] = summary.versions["mx_notes"]
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "results": results,
        "columnKind": "unicodeCodePoints",
    }
    root = repository(Path(summary.program).absolute()) if summary.program else None
    if root:
        run["originalUriBaseIds"] = {ROOT: {"uri": f"{root.as_uri()}/"}}
    if summary.status is not None:
        run["invocations"] = [{"executionSuccessful": summary.status == 0, "exitCode": summary.status}]
    return json.dumps({"version": VERSION, "runs": [run]}, indent=1) + "\n"


def _results(summary: Summary) -> Iterator[dict[str, Any]]:
    for process in summary.processes:
        for finding, _ in process.findings:
            yield _result(finding, process.program or summary.program)
        for each in process.accepted:
            kind = "inSource" if each.by == COMMENT else "external"
            suppression = {"kind": kind, "justification": each.reason or f"accepted by {each.by}"}
            found = _result(each.finding, process.program or summary.program)
            yield found | {"suppressions": [suppression]}


def _result(finding: Finding, program: str | None) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": finding.severity.value,
        "message": {"text": f"{printable(finding.message)} ({finding.when})"},
    }
    # A finding about the whole run has no line; readers of SARIF want one.
    file, line = (finding.file, finding.line or 1) if finding.file else (program, 1)
    if file:
        path = in_repository(file)
        uri = Path(path).as_uri() if path.startswith("/") else quote(path)
        place = {"uri": uri} if path.startswith("/") else {"uri": uri, "uriBaseId": ROOT}
        region = {"startLine": line}
        result["locations"] = [{"physicalLocation": {"artifactLocation": place, "region": region}}]
    return result
