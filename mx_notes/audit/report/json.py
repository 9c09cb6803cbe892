"""The audit's report as JSON."""

from __future__ import annotations

import json as standard

from .summary import State, Summary


def json(summary: Summary) -> str:
    """The report as JSON text, schema 1."""
    report = {
        "schema": 1,
        "steps": summary.steps,
        "per_step": {
            kind: {str(times): n for times, n in summary.calls.get(kind, {}).items()}
            for kind in ("forward", "backward", "update")
        },
        "findings": [
            {
                "rule": finding.rule,
                "severity": finding.severity.value,
                "step": finding.step,
                "message": finding.message,
                "file": finding.place.file,
                "line": finding.place.line,
            }
            for finding, _ in summary.findings
        ],
        "checked": [rule.id for rule in summary.rules if rule.state not in (State.UNCHECKED, State.STOPPED)],
        "failures": summary.failures,
        "remarks": summary.remarks,
    }
    if summary.attestation:
        report["attestation"] = vars(summary.attestation) | {"contradicted": summary.attestation.contradicted}
    return standard.dumps(report, indent=1) + "\n"
