from hand_made import facts, note, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.exhausted_iterator import ExhaustedIterator
from mx_notes.audit.trace.step import Noted

EMPTY = note(Noted.ITERATOR_EXHAUSTED, line=26, subject="NDArrayIter", numbers=(29.0,))


def test_a_loop_that_got_nothing_is_an_error_on_its_own_line():
    finding = the_finding(ExhaustedIterator(), step(EMPTY))
    assert finding.severity is ERROR
    assert finding.place == ("train.py", 26)
    assert "this loop over the NDArrayIter got no batch" in finding.text
    assert "used up on line 29, and not reset" in finding.text and "reset()" in finding.text


def test_a_loop_that_used_up_its_iterator_itself():
    again = note(Noted.ITERATOR_EXHAUSTED, line=26, subject="NDArrayIter", numbers=(26.0,))
    assert "used up by this loop, earlier" in the_finding(ExhaustedIterator(), step(again)).text


def test_after_the_last_step_it_is_found_too():
    assert the_finding(ExhaustedIterator(), facts(notes=[EMPTY])).place == ("train.py", 26)


def test_loops_that_got_batches_leave_nothing_to_check():
    assert ExhaustedIterator().on_step(step()) is NOTHING_TO_CHECK
    assert ExhaustedIterator().at_end(facts()) is NOTHING_TO_CHECK
