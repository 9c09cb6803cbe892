"""Whole training programs under the audit: those with a bug are caught, the right ones are left in peace."""

import re
from pathlib import Path

import pytest

from mx_notes.audit import runner
from mx_notes.runtime import mx

PROGRAMS = Path(__file__).parent.parent
# What no rule sees yet.
MISSED = {
    "gluon_pixel_loss_over_columns": "softmax and label agree on the wrong axis",
    "gluon_raw_pixels": "the input's scale is not seen through a cast",
    "gluon_resumed_without_optimizer_states": "a new network is not recognised as the old one",
    "module_made_anew_each_epoch": "a new network is not recognised as the old one",
    "gluon_schedule_of_steps_asked_by_epoch": "a rate that falls too slowly is not told from one that is meant to",
    "scratch_devices_start_from_different_weights": "updates by hand are not sampled",
    "scratch_mlp_mean_loss_divided_by_batch": "updates by hand hide their factor",
    "scratch_short_batch_divided_by_full_size": "updates by hand hide their factor",
}


@pytest.fixture(autouse=True)
def classic_arrays():
    """Some programs switch MXNet to NumPy's semantics."""
    yield
    mx.npx.reset_np()


def programs(kind: str) -> list:
    files = sorted((PROGRAMS / kind).glob("*.py"))
    marks = {name: pytest.mark.xfail(reason=reason, strict=True) for name, reason in MISSED.items()}
    return [pytest.param(f, id=f.stem, marks=[marks[f.stem]] if f.stem in marks else []) for f in files]


def listed(text: str, heading: str) -> set[str]:
    line = re.search(rf"^{heading}: (.*)$", text, re.MULTILINE)
    return set(re.findall(r"[a-z]+-[a-z-]+", line[1])) if line else set()


@pytest.mark.slow
@pytest.mark.parametrize("program", programs("bugs"))
def test_the_bug_is_found_and_nothing_else(program, capfd):
    text = program.read_text()
    rule = re.search(r"^Expect: ([a-z-]+) by step \d+", text, re.MULTILINE)[1]
    watch, status = runner.run(program, [])
    assert status == 0, capfd.readouterr().err
    assert rule in {finding.rule for finding in watch.findings}, watch.report()
    assert {finding.rule for finding in watch.errors} <= {rule}, watch.report()


@pytest.mark.slow
@pytest.mark.parametrize(
    "program", [p for p in programs("healthy") if "Process: own" not in p.values[0].read_text()]
)
def test_a_right_program_is_left_in_peace(program, capfd):
    watch, status = runner.run(program, [])
    assert status == 0, capfd.readouterr().err
    assert not watch.errors, watch.report()
    warned = {finding.rule for finding in watch.findings}
    assert warned <= listed(program.read_text(), "Warnings"), watch.report()
