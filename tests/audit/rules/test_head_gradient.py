from hand_made import note, step, the_finding

from mx_notes.audit.rules import ERROR
from mx_notes.audit.rules.head_gradient import HeadGradient
from mx_notes.audit.trace.step import Noted


def test_outputs_as_their_own_gradients():
    seen = note(Noted.OUTPUT_AS_GRADIENT)
    finding = the_finding(HeadGradient(), step(seen))
    assert finding.severity is ERROR
    assert "backward is given the outputs themselves" in finding.text
    assert finding.place == seen.place


def test_other_head_gradients_are_right():
    assert HeadGradient().on_step(step()) == []
