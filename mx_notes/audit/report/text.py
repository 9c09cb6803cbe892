"""The audit's report as text."""

from __future__ import annotations

from .summary import State, Summary, plural


def text(summary: Summary) -> str:
    """Findings first, then a line per rule, then how often forward, backward and update ran per step."""
    lines = [f"audit: {plural(summary.steps, 'step')}, {plural(len(summary.findings), 'finding')}"]
    lines += [f"\n{finding}" for finding in findings_text(summary)]
    lines += ["", *summary.remarks, *summary.failures]
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
    lines += [f"\nin a child process, {child.script}\n{text(child)}" for child in summary.children]
    if summary.status:
        lines += ["", f"the script itself ended with status {summary.status}"]
    return printable("\n".join(lines))


def findings_text(summary: Summary) -> list[str]:
    """Each finding in two lines: severity, rule and when; place and message."""
    texts = []
    for finding, steps in summary.findings:
        where = f"{finding.file}:{finding.line}: " if finding.file else ""
        often = f", on {plural(steps, 'step')}" if steps > 1 else ""
        head = f"{finding.severity.value.upper()}  {finding.rule}  ({finding.when}{often})"
        texts.append(f"{head}\n  {where}{finding.message}")
    return texts


def rules_line(summary: Summary) -> str:
    """How many rules held and how many had nothing to look at, in one line."""
    states = [rule.state for rule in summary.rules]
    broken = [rule.id for rule in summary.rules if rule.state in (State.ERROR, State.WARNING)]
    found = f", {', '.join(broken)} did not" if broken else ""
    return (
        f"{plural(len(states), 'rule')}: {states.count(State.HELD)} held{found},"
        f" {states.count(State.UNCHECKED)} had nothing to look at"
    )


def printable(text: str) -> str:
    """The text with characters that a terminal would obey, such as those in a file's name, written out."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
