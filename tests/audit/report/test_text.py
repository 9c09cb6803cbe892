"""The report for a terminal: 80 columns, findings first, each with its source line."""

from pathlib import Path

import pytest
from audited import audited

PROGRAMS = Path(__file__).parents[2] / "programs"
WRONG = PROGRAMS / "bugs" / "gluon_mean_loss_stepped_by_batch_size.py"


@pytest.fixture(scope="module")
def watch():
    return audited(WRONG, max_steps=4)


def test_no_line_is_longer_than_80_columns(watch, monkeypatch):
    monkeypatch.chdir(WRONG.parent)
    lines = watch.report(verbose=True).splitlines()
    assert max(map(len, lines)) <= 80
    assert max(map(len, lines)) > 60  # and wrapped no sooner than it must be


def test_a_finding_stands_before_all_else_with_its_source_line(watch, monkeypatch):
    monkeypatch.chdir(WRONG.parent)
    lines = watch.report().splitlines()
    assert lines[0] == "audit: 4 steps, 1 error"
    assert lines[2].startswith("ERROR  mean-loss")
    assert lines[3].startswith(f"  {WRONG.name}:")
    assert lines[4] == "      trainer.step(batch_size)"


def test_one_line_counts_the_rules_and_verbose_lists_them(watch):
    short, long = watch.report(), watch.report(verbose=True)
    assert "mean-loss did not" in short
    assert "label-range" not in short
    assert "label-range          held" in long


def test_colour_is_only_there_where_asked_for(watch):
    from mx_notes.audit.report.text import text

    assert "\x1b" not in watch.report()
    assert text(watch.summary(), colour=True).startswith("audit: 4 steps, 1 error\n\n\x1b[31;1mERROR\x1b[0m")


def test_verbose_says_which_steps_were_sampled():
    watch = audited(WRONG, max_steps=20)
    words = " ".join(watch.report(verbose=True).split())
    assert "sampled, graphs and values looked at: 5 steps of 20 (1, 2, 3, 4, 16)" in words
    assert "sampled" not in watch.report()
