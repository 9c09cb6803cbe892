import pytest
from hand_made import note, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.running_statistics import RunningStatistics
from mx_notes.audit.trace.step import Noted

EARLY, STALE = Noted.STATISTICS_READ_EARLY, Noted.STATISTICS_READ_STALE


@pytest.mark.parametrize(
    ("what", "severity", "words"),
    [
        (STALE, ERROR, "before the last step's backward pass had written it, and lacks that step"),
        (EARLY, WARNING, "while the backward pass that writes it may be under way"),
    ],
)
def test_statistics_read_too_early(what, severity, words):
    finding = the_finding(RunningStatistics(), step(note(what, 20, "bn_running_mean"), statistics=True))
    assert finding.severity is severity
    assert f"bn_running_mean was read {words}" in finding.text
    assert "call mx.nd.waitall() before reading, saving or evaluating" in finding.text
    assert finding.place == ("train.py", 20)


def test_each_of_the_statistics_is_named_once():
    reads = [note(EARLY, line, subject) for line, subject in ((20, "mean"), (21, "mean"), (22, "variance"))]
    found = RunningStatistics().on_step(step(*reads, statistics=True))
    assert [message.place.line for message in found] == [20, 22]


def test_statistics_that_nobody_reads_early_are_right():
    assert RunningStatistics().on_step(step(statistics=True)) == []


def test_what_concerns_another_rule_is_left_to_it():
    assert RunningStatistics().on_step(step(note(Noted.UPDATE_OF_INFERENCE), statistics=True)) == []


def test_without_running_statistics_there_is_nothing_to_check():
    assert RunningStatistics().on_step(step(statistics=False)) is NOTHING_TO_CHECK
