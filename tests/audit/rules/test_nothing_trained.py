"""nothing-trained, judged on runs made by hand."""

import pytest
from hand_made import facts, note, the_finding

from mx_notes.audit.rules import NOTHING_TO_CHECK
from mx_notes.audit.rules.nothing_trained import NothingTrained
from mx_notes.audit.trace.step import Noted


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"passes": 36, "forwards": 36}, "36 backward passes and no update"),
        ({"passes": 0, "forwards": 2}, "2 forward passes in training mode, no backward pass"),
        ({"passes": 0, "forwards": 0}, "no forward pass in training mode"),
    ],
)
def test_a_run_without_an_update_says_what_was_seen_instead(seen, words):
    assert words in the_finding(NothingTrained(), facts(steps=0, **seen)).text


@pytest.mark.parametrize("run", [facts(steps=1), facts(steps=0, trained_elsewhere=True)])
def test_training_here_or_in_a_child_process_is_right(run):
    assert NothingTrained().at_end(run) == []


def test_where_all_is_fixed_another_rule_says_so():
    assert NothingTrained().at_end(facts(steps=0, notes=[note(Noted.EVERYTHING_FIXED)])) == []


def test_a_program_that_failed_has_said_why():
    assert NothingTrained().at_end(facts(steps=0, failed=True)) is NOTHING_TO_CHECK
