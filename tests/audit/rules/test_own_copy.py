from hand_made import note, step, the_finding

from mx_notes.audit.rules import WARNING
from mx_notes.audit.rules.own_copy import OwnCopy
from mx_notes.audit.trace.step import Noted


def test_an_array_that_is_copied_onto_itself():
    seen = note(Noted.COPIED_ONTO_ITSELF, subject="q_dense0_weight")
    finding = the_finding(OwnCopy(), step(seen))
    assert finding.severity is WARNING
    assert "set_data gives q_dense0_weight its own array" in finding.text
    assert finding.place == seen.place


def test_other_copies_are_right():
    assert OwnCopy().on_step(step()) == []
