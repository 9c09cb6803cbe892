import pytest
from hand_made import facts, note, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.unused_multiplier import UnusedMultiplier
from mx_notes.audit.trace.step import Noted


@pytest.mark.parametrize(("of", "severity"), [("lr", ERROR), ("wd", WARNING)])
def test_a_multiplier_of_the_symbol(of, severity):
    seen = note(Noted.MULTIPLIER_OF_SYMBOL, 27, of, (0.0, 1.0), detail="embed_weight")
    finding = the_finding(UnusedMultiplier(), step(seen))
    assert finding.severity is severity and finding.place == ("train.py", 27)
    assert f"the symbol's embed_weight has {of}_mult=0, the update used 1" in finding.text
    assert "sym=net" in finding.text


def test_a_multiplier_of_a_trainers_optimiser():
    seen = note(Noted.MULTIPLIER_OF_TRAINER, 27, "lr", (0.1, 1.0), detail="dense0_weight")
    finding = the_finding(UnusedMultiplier(), step(seen))
    assert finding.severity is ERROR
    assert "set_lr_mult gives dense0_weight 0.1, the update used 1" in finding.text
    assert "setattr('lr_mult', 0.1)" in finding.text


@pytest.mark.parametrize(("unknown", "severity"), [(2.0, ERROR), (1.0, WARNING)])
def test_a_name_that_no_parameter_has(unknown, severity):
    seen = note(Noted.MULTIPLIER_UNKNOWN, 27, "wd", (unknown, 2.0), detail="fc1_w")
    finding = the_finding(UnusedMultiplier(), facts(notes=[seen]))
    assert finding.severity is severity
    assert "set_wd_mult has fc1_w, which no parameter is called" in finding.text
    assert f"{unknown:.0f} of its 2 multipliers" in finding.text


def test_a_second_call_that_replaces_the_first():
    seen = note(Noted.MULTIPLIERS_REPLACED, 22, "lr", detail="fc1_weight")
    finding = the_finding(UnusedMultiplier(), step(seen))
    assert finding.severity is ERROR and finding.place == ("train.py", 22)
    assert "fc1_weight among them" in finding.text and "one call" in finding.text


def test_multipliers_that_are_used_leave_nothing_to_check():
    assert UnusedMultiplier().on_step(step()) is NOTHING_TO_CHECK
    assert UnusedMultiplier().at_end(facts()) is NOTHING_TO_CHECK
