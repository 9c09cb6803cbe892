import pytest
from hand_made import dense, leaf, node, step, the_finding

from mx_notes.audit.graph.tape import FUNCTION
from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.loss_derivative import LossDerivative
from mx_notes.audit.trace.step import Derivative

LAYER = dense(leaf("data", shape=(4, 2)), name="fc")


def judged(*derivatives):
    return step(derivatives=list(derivatives))


def off(culprit=None, **fields):
    return Derivative(parameters=2, name="fc_weight", got=0.5, wanted=0.75, culprit=culprit, **fields)


def test_an_operator_whose_backward_is_wrong_with_its_cure():
    selu = node("LeakyReLU", LAYER, shape=(4, 3), act_type="selu", name="selu0")
    finding = the_finding(LossDerivative(), judged(off(selu)))
    assert finding.severity is ERROR
    assert "the gradient of fc_weight is not the derivative of the loss" in finding.text
    assert "it says 0.5 where the difference quotient is 0.75" in finding.text
    assert "the backward pass of selu0 (LeakyReLU) wrong: --mend puts it right" in finding.text


def test_an_operator_that_is_in_no_list_is_named_without_a_cure():
    finding = the_finding(LossDerivative(), judged(off(node("arccosh", LAYER, shape=(4, 3)))))
    assert finding.text.endswith("MXNet computes the backward pass of arccosh wrong")


@pytest.mark.parametrize("op", [FUNCTION, "Custom"])
def test_a_backward_that_somebody_has_written_may_be_meant(op):
    finding = the_finding(LossDerivative(), judged(off(node(op, LAYER, shape=(4, 3), name="Sign"))))
    assert finding.severity is WARNING
    assert "the backward pass of Sign, written by hand" in finding.text and "straight-through" in finding.text


def test_operators_that_are_right_alone():
    finding = the_finding(LossDerivative(), judged(off(uses=9)))
    assert "no operator is wrong alone, but fc_weight is used 9 times" in finding.text


def test_each_fault_is_said_once():
    rule = LossDerivative()
    assert len(rule.on_step(judged(off(), off(uses=9)))) == 1
    assert rule.on_step(judged(off())) == []


def test_gradients_that_are_right():
    assert LossDerivative().on_step(judged(Derivative(parameters=3))) == []


def test_a_pass_that_could_not_be_judged():
    assert LossDerivative().on_step(judged(Derivative(left="it is too large"))) is NOTHING_TO_CHECK
