"""The audit's report as text."""

from __future__ import annotations

from .summary import Summary, plural


def text(summary: Summary) -> str:
    """Findings first, then a line per rule, then how often forward, backward and update ran per step."""
    lines = [f"audit: {plural(summary.steps, 'step')}, {plural(len(summary.findings), 'finding')}"]
    for finding, steps in summary.findings:
        where = f"{finding.place.file}:{finding.place.line}: " if finding.place.file else ""
        often = f", on {plural(steps, 'step')}" if steps > 1 else ""
        head = f"{finding.severity.value.upper()}  {finding.rule}  ({finding.when}{often})"
        lines.append(f"\n{head}\n  {where}{finding.message}")
    lines += ["", *summary.remarks, *(f"{failure}; please report this" for failure in summary.failures)]
    lines += [f"{rule.id:20} {rule.words:20} {rule.sentence}" for rule in summary.rules]
    lines.append("")
    for kind in ("forward", "backward", "update"):
        counts = ", ".join(
            f"{times} on {plural(n, 'step')}" for times, n in summary.calls.get(kind, {}).items()
        )
        lines.append(f"{kind:9} per step: {counts}")
    together = summary.calls.get("micro-batches", {}).items()
    lines += [f"{k} micro-batches per update on {plural(n, 'step')} (grad_req='add')" for k, n in together]
    if summary.attestation:
        lines += ["", summary.attestation.text()]
    return "\n".join(lines)
