import pytest
from hand_made import note, step, the_finding, update

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.call_order import CallOrder
from mx_notes.audit.trace.step import Noted


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (Noted.BACKWARD_WITHOUT_FORWARD, "backward ran without a forward of this batch before it"),
        (Noted.BACKWARD_WITHOUT_RECORDING, "backward ran without a recorded forward since the last one"),
        (Noted.UPDATE_BEFORE_BACKWARD, "the update came before the backward pass of its batch"),
    ],
)
def test_a_call_out_of_order_is_found_at_its_line(what, words):
    finding = the_finding(CallOrder(), step(update(), note(what, line=31)))
    assert finding.severity is ERROR
    assert finding.text == words
    assert finding.place == ("train.py", 31)


def test_each_thing_is_said_once_a_step():
    early = [note(Noted.UPDATE_BEFORE_BACKWARD, line) for line in (31, 32)]
    other = note(Noted.BACKWARD_WITHOUT_FORWARD, 33)
    found = CallOrder().on_step(step(update(), *early, other))
    assert [message.place.line for message in found] == [31, 33]


def test_calls_in_order_are_right():
    assert CallOrder().on_step(step(update())) == []


def test_what_concerns_another_rule_is_left_to_it():
    assert CallOrder().on_step(step(update(), note(Noted.UPDATE_OF_INFERENCE))) == []


def test_without_an_update_there_is_no_order():
    assert CallOrder().on_step(step(note(Noted.BACKWARD_WITHOUT_RECORDING))) is NOTHING_TO_CHECK
