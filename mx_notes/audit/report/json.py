"""The audit's report as JSON, from which the summary can be made again; docs/ci.md describes it."""

from __future__ import annotations

import json as standard
from dataclasses import asdict
from typing import Any

from ..events import Event, Kind, Place
from ..finding import Accepted, Attestation, Finding, GradientCheck, Ignore, NotJudged, Severity, StepEvents
from ..places import in_repository, source_line
from .summary import RuleState, State, Summary

SCHEMA = 3


def json(summary: Summary) -> str:
    """The report as JSON text."""
    return standard.dumps(_summary(summary), indent=1) + "\n"


def _summary(summary: Summary) -> dict[str, Any]:
    found = [finding for finding, _ in summary.findings]
    report = {
        "schema": SCHEMA,
        "script": summary.script,
        "program": summary.program,
        "status": summary.status,
        "steps": summary.steps,
        "per_step": {
            kind: {str(times): n for times, n in counts.items()} for kind, counts in summary.calls.items()
        },
        "findings": [_finding(finding, steps) for finding, steps in summary.findings],
        "accepted": [
            _finding(each.finding, each.steps) | {"by": each.by, "reason": each.reason}
            for each in summary.accepted
        ],
        "ignores": [vars(ignore) for ignore in summary.ignores],
        "rules": [
            {"id": rule.id, "sentence": rule.sentence, "state": rule.state.value, "steps": rule.steps}
            for rule in summary.rules
        ],
        "failures": summary.failures,
        "remarks": summary.remarks,
        "sampled_steps": summary.sampled,
        "first_steps": [
            {
                "number": step.number,
                "sampled": step.sampled,
                "events": [[e.kind.value, e.source, e.training, e.device] for e in step.events],
                "findings": [found.index(finding) for finding in summary.found_on.get(step.number, [])],
            }
            for step in summary.first_steps
        ],
        "versions": dict(summary.versions),
        "mended": summary.mended,
        "children": [_summary(child) for child in summary.children],
    }
    if summary.gradients:
        report["gradients"] = asdict(summary.gradients)
    if summary.attestation:
        report["attestation"] = vars(summary.attestation) | {"contradicted": summary.attestation.contradicted}
    return report


def _finding(finding: Finding, steps: int) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "step": finding.step,
        "steps": steps,
        "whole_run": finding.whole_run,
        "message": finding.message,
        "file": finding.file,
        "line": finding.line,
        "path": in_repository(finding.file) if finding.file else None,
        "source": source_line(finding.place),
    }


def summary_of(text: str) -> Summary:
    """The summary that `json` wrote. Raises ValueError or KeyError for any other text."""
    return _parsed(standard.loads(text))


def _found(each: dict[str, Any]) -> Finding:
    return Finding(
        rule=each["rule"],
        severity=Severity(each["severity"]),
        message=each["message"],
        step=each["step"],
        whole_run=each["whole_run"],
        place=Place(each["file"], each["line"]),
    )


def _gradients(check: dict[str, Any] | None) -> GradientCheck | None:
    return GradientCheck(**check | {"left": [NotJudged(**each) for each in check["left"]]}) if check else None


def _parsed(report: dict[str, Any]) -> Summary:
    findings = [(_found(each), each["steps"]) for each in report["findings"]]
    attestation = report.get("attestation")
    if attestation:
        attestation = Attestation(**{n: v for n, v in attestation.items() if n != "contradicted"})
    return Summary(
        script=report["script"],
        status=report["status"],
        steps=report["steps"],
        findings=findings,
        rules=[
            RuleState(rule["id"], rule["sentence"], State(rule["state"]), rule["steps"])
            for rule in report["rules"]
        ],
        calls={
            kind: {int(times): n for times, n in counts.items()}
            for kind, counts in report["per_step"].items()
        },
        failures=report["failures"],
        remarks=report["remarks"],
        first_steps=[
            StepEvents(
                step["number"], step["sampled"], [Event(Kind(k), *rest) for k, *rest in step["events"]]
            )
            for step in report["first_steps"]
        ],
        found_on={
            step["number"]: [findings[i][0] for i in step["findings"]] for step in report["first_steps"]
        },
        attestation=attestation,
        versions=report["versions"],
        gradients=_gradients(report.get("gradients")),
        mended=report["mended"],
        program=report["program"],
        accepted=[
            Accepted(_found(each), each["steps"], each["by"], each["reason"]) for each in report["accepted"]
        ],
        sampled=report["sampled_steps"],
        ignores=[Ignore(**each | {"rules": tuple(each["rules"])}) for each in report["ignores"]],
        children=[_parsed(child) for child in report["children"]],
    )
