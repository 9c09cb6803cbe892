import pytest
from hand_made import facts, note, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.byte_overflow import ByteOverflow
from mx_notes.audit.trace.step import Noted

SEEN = note(Noted.BYTES_WRAPPED, subject="uint8", numbers=(-100.0, 156.0, 0.66))


@pytest.mark.parametrize("about", [step(SEEN), facts(notes=[SEEN])])
def test_numbers_that_do_not_fit(about):
    finding = the_finding(ByteOverflow(), about)
    assert finding.severity is ERROR
    assert "66% of the numbers" in finding.text and "uint8" in finding.text
    assert "-100 became 156" in finding.text
    assert finding.place == SEEN.place


def test_without_such_arithmetic_there_is_nothing_to_check():
    assert ByteOverflow().on_step(step()) is NOTHING_TO_CHECK
