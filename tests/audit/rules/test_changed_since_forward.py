from hand_made import note, step, the_finding

from mx_notes.audit.rules import ERROR
from mx_notes.audit.rules.changed_since_forward import ChangedSinceForward
from mx_notes.audit.trace.step import Noted


def test_an_array_that_is_written_between_forward_and_backward():
    seen = note(Noted.CHANGED_SINCE_FORWARD, subject="head_weight")
    finding = the_finding(ChangedSinceForward(), step(seen))
    assert finding.severity is ERROR
    assert "head_weight is written here, after the forward pass that has read it" in finding.text
    assert finding.place == seen.place


def test_otherwise_it_holds():
    assert ChangedSinceForward().on_step(step()) == []
