"""Whole training programs with a bug: the audit finds it, by its rule and in time, and calls nothing else an error."""

import re

import pytest
from audited import audited, findings_of, listed, programs


@pytest.mark.slow
@pytest.mark.parametrize("program", programs("bugs"))
def test_the_bug_is_found_and_nothing_else(program, mx_notes_command, tmp_path):
    text = program.read_text()
    rule, latest = re.search(r"^Expect: ([a-z-]+) by step (\d+)", text, re.MULTILINE).groups()
    accepted = {rule} | listed(text, "Besides")
    if "Process: own" in text:
        findings = findings_of(program, mx_notes_command, tmp_path)
        found = [finding["step"] for finding in findings if finding["rule"] == rule]
        assert min(found, default=10**9) <= int(latest), findings
        assert {finding["rule"] for finding in findings if finding["severity"] == "error"} <= accepted, (
            findings
        )
        return
    watch = audited(program)
    steps = [finding.step or watch.number_of_steps for finding in watch.findings if finding.rule == rule]
    assert min(steps, default=10**9) <= int(latest), watch.report()
    assert {finding.rule for finding in watch.errors} <= accepted, watch.report()
