"""Whole training programs that are right: the audit leaves them in peace, and changes none of their bits."""

import pytest
from audited import findings_of, listed, numbers, programs, run

from mx_notes import audit


def bits(left: dict) -> list[bytes]:
    """All numbers that a program has left in its globals."""
    return [array.tobytes() for name, value in left.items() if name[:2] != "__" for array in numbers(value)]


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
