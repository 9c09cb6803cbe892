from hand_made import step, the_finding, update

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.optimizer_fault import OptimizerFault
from mx_notes.runtime import mx


def test_an_optimiser_that_mxnet_computes_wrong_for_several_parameters():
    rule, seen = OptimizerFault(), step(*(update(name, optimizer=mx.optimizer.Nadam) for name in "ab"))
    finding = the_finding(rule, seen)
    assert finding.severity is WARNING
    assert "nadam, several parameters" in finding.text and "--mend puts it right" in finding.text
    assert rule.on_step(seen) == []  # said once


def test_one_parameter_has_its_own_schedule():
    assert OptimizerFault().on_step(step(update("a", optimizer=mx.optimizer.Nadam))) == []


def test_other_optimisers_are_right():
    assert OptimizerFault().on_step(step(*(update(name, optimizer=mx.optimizer.Adam) for name in "ab"))) == []


def test_without_an_optimiser_there_is_nothing_to_check():
    assert OptimizerFault().on_step(step(update("a", optimizer=None))) is NOTHING_TO_CHECK
