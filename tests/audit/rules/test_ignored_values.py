import pytest
from hand_made import facts, note, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.ignored_values import IgnoredValues
from mx_notes.audit.trace.step import Noted


@pytest.mark.parametrize(
    ("what", "taken", "severity", "words"),
    [
        (Noted.VALUES_UNMATCHED, 0, ERROR, "of 6 values given, none went to the 4 parameters of Dense"),
        (Noted.VALUES_MOSTLY_UNMATCHED, 1, WARNING, "of 6 values given, 1 went to the 4 parameters of Dense"),
    ],
)
def test_values_whose_names_do_not_match(what, taken, severity, words):
    seen = note(what, 49, "Dense", (float(taken), 6.0, 4.0), detail="'net.w' is given, 'w' is asked for")
    finding = the_finding(IgnoredValues(), step(seen))
    assert finding.severity is severity and finding.place == ("train.py", 49)
    assert words in finding.text and "'net.w' is given, 'w' is asked for" in finding.text


@pytest.mark.parametrize(
    ("what", "severity", "words"),
    [
        (Noted.VALUES_IGNORED, ERROR, "it was initialised before, with other values"),
        (Noted.VALUES_IGNORED_LATE, WARNING, "it goes on from the parameters that it has trained"),
    ],
)
def test_values_for_a_module_that_has_some_already(what, severity, words):
    finding = the_finding(IgnoredValues(), step(note(what, 30, "Module", (4.0,))))
    assert finding.severity is severity and finding.place == ("train.py", 30)
    assert "the 4 values given to this Module were ignored" in finding.text
    assert words in finding.text and "force_init=True" in finding.text


def test_after_the_last_step_they_are_found_too():
    assert the_finding(IgnoredValues(), facts(notes=[note(Noted.VALUES_IGNORED, 30, "Module", (4.0,))]))


def test_values_that_were_taken_leave_nothing_to_check():
    assert IgnoredValues().on_step(step()) is NOTHING_TO_CHECK
    assert IgnoredValues().at_end(facts()) is NOTHING_TO_CHECK
