"""Whole training programs under the audit: those with a bug are caught, the right ones are left in peace."""

import json
import re
from pathlib import Path

import pytest
from audited import audited, numbers, run

from mx_notes import audit

PROGRAMS = Path(__file__).parents[1] / "programs"


def programs(kind: str) -> list:
    return [pytest.param(path, id=path.stem) for path in sorted((PROGRAMS / kind).glob("*.py"))]


def listed(text: str, heading: str) -> set[str]:
    line = re.search(rf"^{heading}: (.*)$", text, re.MULTILINE)
    return set(re.findall(r"[a-z]+-[a-z-]+", line[1])) if line else set()


def findings_of(program, mx_notes_command, tmp_path) -> list[dict]:
    """What is found in a program that runs in a process of its own."""
    result = mx_notes_command("audit", "--json", "report.json", str(program))
    assert result.returncode in (0, 1), result.stderr
    assert "the script itself ended" not in result.stderr, result.stderr
    return json.loads((tmp_path / "report.json").read_text())["findings"]


def bits(left: dict) -> list[bytes]:
    """All numbers that a program has left in its globals."""
    return [array.tobytes() for name, value in left.items() if name[:2] != "__" for array in numbers(value)]


@pytest.mark.slow
@pytest.mark.parametrize("program", programs("bugs"))
def test_the_bug_is_found_and_nothing_else(program, mx_notes_command, tmp_path):
    text = program.read_text()
    rule, latest = re.search(r"^Expect: ([a-z-]+) by step (\d+)", text, re.MULTILINE).groups()
    if "Process: own" in text:
        findings = findings_of(program, mx_notes_command, tmp_path)
        found = [finding["step"] for finding in findings if finding["rule"] == rule]
        assert min(found, default=10**9) <= int(latest), findings
        assert {finding["rule"] for finding in findings if finding["severity"] == "error"} <= {rule}, findings
        return
    watch = audited(program)
    steps = [finding.step or watch.number_of_steps for finding in watch.findings if finding.rule == rule]
    assert min(steps, default=10**9) <= int(latest), watch.report()
    assert {finding.rule for finding in watch.errors} <= {rule}, watch.report()


@pytest.mark.slow
@pytest.mark.parametrize("program", programs("healthy"))
def test_a_right_program_is_left_in_peace(program, capfd, mx_notes_command, tmp_path):
    text = program.read_text()
    if "Process: own" in text:
        findings = findings_of(program, mx_notes_command, tmp_path)
        assert not [finding for finding in findings if finding["severity"] == "error"], findings
        assert {finding["rule"] for finding in findings} <= listed(text, "Warnings"), findings
        return
    bare, output = run(program), capfd.readouterr().out
    with audit() as watch:
        left = run(program)
    assert capfd.readouterr().out == output  # MXNet says on stderr what it says once a process
    assert bits(left) == bits(bare)
    assert not watch.errors, watch.report()
    assert {finding.rule for finding in watch.findings} <= listed(text, "Warnings"), watch.report()
