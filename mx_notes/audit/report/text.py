"""The audit's report as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..rules import RULES

if TYPE_CHECKING:
    from ..watch import Watch


def text(watch: Watch) -> str:
    """Findings first, then a line per rule, then how often forward, backward and update ran per step."""
    lines = [f"audit: {plural(watch.number_of_steps, 'step')}, {plural(len(watch.findings), 'finding')}"]
    for finding in sorted(watch.findings, key=lambda f: f.severity):
        where = f"{finding.file}:{finding.line}: " if finding.file else ""
        times = watch.repeats[finding]
        at = f"step {finding.step}" if finding.step else "the run"
        often = f", on {plural(times, 'step')}" if times > 1 else ""
        lines.append(
            f"\n{finding.severity.upper()}  {finding.rule}  ({at}{often})\n  {where}{finding.message}"
        )
    lines.append("")
    found = {finding.rule for finding in watch.findings}
    for rule in RULES.values():
        if rule.id in found:
            state = "FOUND"
        elif watch.checked.get(rule.id):
            state = f"held on {plural(watch.checked[rule.id], 'step')}"
        else:
            state = "nothing to check"
        lines.append(f"{rule.id:20} {state:20} {rule.sentence}")
    lines.append("")
    for kind in ("forward", "backward", "update"):
        counts = sorted((times, n) for (k, times), n in watch.recorder.totals.items() if k == kind)
        lines.append(
            f"{kind:9} per step: " + ", ".join(f"{times} on {plural(n, 'step')}" for times, n in counts)
        )
    together = sorted((k, n) for (kind, k), n in watch.recorder.totals.items() if kind == "micro-batches")
    lines += [f"{k} micro-batches per update on {plural(n, 'step')} (grad_req='add')" for k, n in together]
    if watch.attestation:
        lines += ["", watch.attestation.text()]
    return "\n".join(lines)


def plural(number: int, thing: str) -> str:
    """ "1 step", "2 steps"."""
    return f"{number:,} {thing}{'s' * (number != 1)}"
