import pytest
from hand_made import forward, note, step, the_finding, update

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.train_mode import TrainMode
from mx_notes.audit.trace.step import Noted


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (Noted.FORWARD_WITHOUT_BACKWARD, "forward ran in training mode and no backward followed it"),
        (Noted.BACKWARD_OF_INFERENCE, "backward followed a forward that did not run in training mode"),
        (Noted.UPDATE_OF_INFERENCE, "the update used a backward pass whose forward ran in predict mode"),
        (
            Noted.RECORDING_WITHOUT_BACKWARD,
            "a recorded forward was never differentiated: evaluation inside record()",
        ),
    ],
)
def test_a_pass_in_the_wrong_mode_is_found_at_its_line(what, words):
    finding = the_finding(TrainMode(), step(forward(), note(what, line=31)))
    assert finding.severity is ERROR
    assert finding.text == words
    assert finding.place == ("train.py", 31)


def test_each_thing_is_said_once_a_step():
    idle = [note(Noted.FORWARD_WITHOUT_BACKWARD, line) for line in (31, 32)]
    found = TrainMode().on_step(step(forward(), *idle, note(Noted.UPDATE_OF_INFERENCE, 33)))
    assert [message.place.line for message in found] == [31, 33]


@pytest.mark.parametrize("training", [True, False])
def test_passes_of_which_nothing_was_noted_are_right(training):
    assert TrainMode().on_step(step(forward(training), update())) == []


def test_what_concerns_another_rule_is_left_to_it():
    assert TrainMode().on_step(step(forward(), note(Noted.UPDATE_BEFORE_BACKWARD))) == []


def test_without_a_forward_pass_there_is_no_mode():
    idle = step(update(), note(Noted.UPDATE_OF_INFERENCE))
    assert TrainMode().on_step(idle) is NOTHING_TO_CHECK


def test_evaluation_queued_behind_training_takes_its_mode_away():
    finding = the_finding(TrainMode(), step(forward(), note(Noted.MODE_CHANGED_IN_FLIGHT, line=31)))
    assert finding.severity is WARNING  # what is still queued depends on timing
    assert "mx.nd.waitall() in between" in finding.text
