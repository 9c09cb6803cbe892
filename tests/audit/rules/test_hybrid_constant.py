from hand_made import note, step, the_finding

from mx_notes.audit.rules import ERROR
from mx_notes.audit.rules.hybrid_constant import HybridConstant
from mx_notes.audit.trace.step import Noted


def test_a_number_that_the_graph_has_compiled_in():
    seen = note(Noted.NUMBER_COMPILED_IN, subject="Annealed.mix", numbers=(0.25,))
    finding = the_finding(HybridConstant(), step(seen))
    assert finding.severity is ERROR
    assert "Annealed.mix was set to another number" in finding.text
    assert "goes on with 0.25" in finding.text
    assert finding.place == seen.place


def test_without_such_a_number_it_holds():
    assert HybridConstant().on_step(step()) == []
