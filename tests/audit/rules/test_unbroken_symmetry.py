import numpy as np
import pytest
from hand_made import leaf, look, mean, node, sample, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.unbroken_symmetry import UnbrokenSymmetry

ALIKE = np.ones((3, 1)) * [0.5, 0.6]
APART = ALIKE + 0.01 * np.arange(3)[:, None]


def layer(weight, op="FullyConnected"):
    weight = leaf("fc_weight", weight, parameter=True)
    return look(mean(node(op, leaf("data", shape=(4, 2)), weight, shape=(4, 3))))


def judged(weight, number=3, op="FullyConnected", name="fc_weight"):
    return UnbrokenSymmetry().on_step(step(layer(weight, op), sample(name, before=[1.0]), number=number))


@pytest.mark.parametrize("op", ["FullyConnected", "Convolution"])
def test_rows_that_stay_alike_though_they_are_updated(op):
    rule = UnbrokenSymmetry()
    finding = the_finding(rule, step(layer(ALIKE, op), sample("fc_weight", before=[1.0]), number=3))
    assert finding.severity is ERROR
    assert "all rows of fc_weight are the same after 2 updates" in finding.text
    assert rule.on_step(step(layer(ALIKE), number=16)) is NOTHING_TO_CHECK  # said once


def test_rows_that_differ():
    assert judged(APART) == []
    assert judged(np.vstack([ALIKE[:2], [[0.5, 0.7]]])) == []


def test_before_the_first_updates_a_last_layer_may_be_constant():
    assert judged(ALIKE, number=1) is NOTHING_TO_CHECK


def test_weights_that_are_not_trained_may_be_anything():
    assert judged(ALIKE, name="other_weight") is NOTHING_TO_CHECK  # a filter that blurs


def test_zeros_are_no_start_at_all():
    assert judged(np.zeros((3, 2))) == []  # frozen-parameter says that nothing arrives


def test_a_single_unit_has_no_other():
    assert judged([[0.5, 0.6]]) is NOTHING_TO_CHECK
