from hand_made import facts, note, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.empty_selection import EmptySelection
from mx_notes.audit.trace.step import Noted


def test_a_pattern_that_is_inside_a_name_is_an_error():
    anchored = note(Noted.SELECTION_ANCHORED, 22, "embedding.*", detail="tagger_embedding0_weight")
    finding = the_finding(EmptySelection(), step(anchored))
    assert finding.severity is ERROR and finding.place == ("train.py", 22)
    assert "collect_params('embedding.*') matches no parameter" in finding.text
    assert "tagger_embedding0_weight: begin with '.*'" in finding.text


def test_a_pattern_that_is_nowhere_may_be_meant_for_other_networks():
    empty = note(Noted.SELECTION_EMPTY, 22, ".*batchnorm.*", detail="dense0_weight, dense0_bias")
    finding = the_finding(EmptySelection(), facts(notes=[empty]))
    assert finding.severity is WARNING
    assert "called dense0_weight, dense0_bias and so on" in finding.text


def test_patterns_that_match_leave_nothing_to_check():
    assert EmptySelection().on_step(step()) is NOTHING_TO_CHECK
    assert EmptySelection().at_end(facts()) is NOTHING_TO_CHECK
