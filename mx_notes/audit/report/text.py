"""The audit's report as text for a terminal of 80 columns."""

from __future__ import annotations

import textwrap

from ..finding import Finding
from ..places import in_words, source_line
from .summary import State, Summary, plural

WIDTH = 80
COLOURS = {"error": "31;1", "warning": "33;1"}  # of ECMA-48
MARKS = {
    State.ERROR: "error",
    State.WARNING: "warning",
    State.ACCEPTED: "accepted",
    State.HELD: "held",
    State.UNCHECKED: "-",
    State.STOPPED: "stopped",
}


def text(summary: Summary, verbose: bool = False, colour: bool = False) -> str:
    """Findings first, each with its source line, then counts; at most WIDTH columns, but for a path that is longer.

    verbose: with a line per rule. colour: with a terminal's codes for it.
    """
    blocks = _process(summary, verbose, colour)
    blocks += [
        _filled(f"{ignore} accepts nothing any more: {rule} found nothing there")
        for ignore, rule in summary.unused
    ]
    if summary.status:
        blocks.append(f"the script itself ended with status {summary.status}")
    return "\n\n".join(blocks)


def _process(summary: Summary, verbose: bool, colour: bool) -> list[str]:
    """The parts of one process' report, and of its children's."""
    numbers = [plural(len(found), word) for word, found in _own(summary).items() if found]
    head = f"audit: {plural(summary.steps, 'step')}, {', '.join(numbers) or 'nothing found'}"
    blocks = [head, *findings_text(summary, colour)]
    blocks += [_filled(line) for line in (*summary.remarks, *summary.failures)]
    if summary.accepted:
        blocks.append(_accepted(summary))
    if verbose:
        blocks.append("\n".join(_row(rule.id, MARKS[rule.state], rule.sentence) for rule in summary.rules))
        blocks += [_filled(_sampled(summary))] if summary.steps else []
    blocks.append("\n".join(map(_filled, [rules_line(summary), *_calls(summary)])))
    if verbose and summary.gradients:
        blocks.append(_filled(summary.gradients.text))
    if summary.attestation:
        blocks.append(_filled(summary.attestation.text()))
    for child in summary.children:
        blocks += [_filled(f"in a child process, {child.script}"), *_process(child, verbose, colour)]
    return blocks


def findings_text(summary: Summary, colour: bool = False) -> list[str]:
    """Each finding: severity, rule and when; the place with its source line; the message, wrapped."""
    return [finding_text(finding, steps, colour) for finding, steps in summary.findings]


def finding_text(finding: Finding, steps: int, colour: bool = False) -> str:
    """One finding, in a few lines; the last ones say what to do."""
    often = f", on {plural(steps, 'step')}" if steps > 1 else ""
    severity = finding.severity.value
    word = f"\x1b[{COLOURS[severity]}m{severity.upper()}\x1b[0m" if colour else severity.upper()
    lines = [f"{word}  {finding.rule}  ({finding.when}{often})"]
    source = printable(source_line(finding.place))
    if finding.file:
        lines.append(f"  {printable(in_words(finding.place))}")
    if source:
        lines.append(f"      {source if len(source) <= WIDTH - 6 else source[: WIDTH - 7] + '…'}")
    return "\n".join([*lines, _filled(finding.message, "  ")])


def rules_line(summary: Summary) -> str:
    """How many rules held and how many had nothing to look at, in one line."""
    states = [rule.state for rule in summary.rules]
    broken = [rule.id for rule in summary.rules if rule.state in (State.ERROR, State.WARNING)]
    found = f", {', '.join(broken)} did not" if broken else ""
    accepted = states.count(State.ACCEPTED)
    return (
        f"{plural(len(states), 'rule')}: {states.count(State.HELD)} held{found},"
        + (f" {accepted} accepted," if accepted else "")
        + f" {states.count(State.UNCHECKED)} had nothing to look at"
    )


def printable(text: str) -> str:
    """The text with characters that a terminal would obey, such as those in a file's name, written out."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def _own(summary: Summary) -> dict[str, list[Finding]]:
    found = [finding for finding, _ in summary.findings]
    return {word: [each for each in found if each.severity.value == word] for word in COLOURS}


def _accepted(summary: Summary) -> str:
    lines = [_filled(each.words, "  ") for each in summary.accepted]
    return "\n".join([f"accepted: {plural(len(lines), 'finding')}", *lines])


def _sampled(summary: Summary) -> str:
    """On which steps graphs and values were looked at."""
    numbers = ", ".join(f"{number:,}" for number in summary.sampled)
    return (
        f"sampled, graphs and values looked at: {plural(len(summary.sampled), 'step')} of {summary.steps:,}"
        f" ({numbers}); of the others the calls are known, not the numbers"
    )


def _calls(summary: Summary) -> list[str]:
    """How often forward, backward and update ran per step."""
    lines = []
    for kind in ("forward", "backward", "update"):
        each = summary.calls.get(kind, {}).items()
        counts = ", ".join(f"{times} on {plural(n, 'step')}" for times, n in each)
        lines += [f"{kind} per step: {counts}"] if counts else []
    together = summary.calls.get("micro-batches", {}).items()
    return lines + [
        f"{k} micro-batches per update on {plural(n, 'step')} (grad_req='add')" for k, n in together
    ]


def _row(rule: str, mark: str, sentence: str) -> str:
    return _filled(f"{rule:20} {mark:8} {sentence}", hanging=" " * 30)


def _filled(words: str, indent: str = "", hanging: str | None = None) -> str:
    """The words in lines of WIDTH columns; a longer word, such as a path, stays whole."""
    return textwrap.fill(
        printable(words),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
