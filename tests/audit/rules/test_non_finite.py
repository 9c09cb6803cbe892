import numpy as np
import pytest
from hand_made import (
    buffer,
    copy_of,
    dense,
    facts,
    leaf,
    look,
    node,
    note,
    sample,
    softmax_loss,
    step,
    the_finding,
)

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.non_finite import NonFinite
from mx_notes.audit.trace.step import Noted
from mx_notes.runtime import mx

CURE = "lower the learning rate, or look at the data"
BAD = pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
RIGHT = sample(before=[1.0, 2.0])


def trained(values, name="fc_weight", **more):
    return buffer(name, updates=3, array=mx.nd.array(values), **more)


# On a step


def test_a_gradient_that_was_noted_between_two_sampled_steps():
    noted = note(Noted.GRADIENT_NOT_FINITE, line=9, numbers=(8,))
    finding = the_finding(NonFinite(), step(noted, number=8))
    assert finding.severity is ERROR
    assert finding.text == f"a gradient of step 8 is not finite: {CURE}"
    assert finding.place == ("train.py", 9)


def test_a_parameter_that_was_noted_beside_it():
    noted = note(Noted.GRADIENT_NOT_FINITE, numbers=(8,), subject="fc_weight")
    assert (
        "step 8 is not finite; fc_weight is not finite either" in the_finding(NonFinite(), step(noted)).text
    )


@BAD
def test_a_loss(bad):
    loss = node("log", leaf("data", shape=(2,)), values=[bad, 1.0])
    finding = the_finding(NonFinite(), step(look(loss)))
    assert finding.severity is ERROR
    assert finding.text == f"the loss is not finite: {CURE} and at the loss"


def test_of_an_executor_the_losses_are_judged_and_other_outputs_are_not():
    lost = node("make_loss", leaf("data", shape=(2,)), values=[np.nan, 1.0])
    scores = node(
        "SoftmaxOutput", leaf("data", shape=(2, 3)), leaf("label", [0, 1]), values=[[np.nan] * 3] * 2
    )
    assert "the loss" in the_finding(NonFinite(), step(look(lost, executor=True))).text
    assert NonFinite().on_step(step(look(scores, executor=True), RIGHT)) == []


def test_the_logarithm_of_a_logit_is_left_to_another_rule():
    logits = dense(leaf("data", shape=(2, 8)), values=[[-1.0, 2.0], [0.5, 3.0]])
    rest = node("_rminus_scalar", logits, shape=(2, 2), scalar=1.0)
    logarithms = [node("log", half, shape=(2, 2)) for half in (logits, rest)]
    loss = node("elemwise_add", *logarithms, values=[[np.nan, 1.0], [1.0, np.nan]])
    assert NonFinite().on_step(step(look(loss), RIGHT)) == []


@BAD
def test_a_gradient_or_a_parameter_of_a_sampled_step(bad):
    finding = the_finding(NonFinite(), step(sample("fc_weight", before=[1.0, 2.0], gradient=[1.0, bad])))
    assert finding.severity is ERROR
    assert finding.text == f"the gradient of fc_weight is not finite: {CURE}"
    finding = the_finding(NonFinite(), step(RIGHT, copy_of("fc_bias", [bad])))
    assert finding.text == f"the value of fc_bias is not finite: {CURE}"


def test_the_cause_is_said_first_and_alone():
    noted = note(Noted.GRADIENT_NOT_FINITE, numbers=(1,))
    loss = look(node("log", leaf("data", shape=(1,)), values=[np.nan]))
    arrays = sample(before=[1.0], gradient=[np.nan])
    assert "a gradient of step 1" in the_finding(NonFinite(), step(noted, loss, arrays)).text
    assert "the loss" in the_finding(NonFinite(), step(loss, arrays)).text


def test_finite_numbers_are_right():
    loss = softmax_loss(dense(leaf("data", shape=(2, 8))), [0, 1])
    assert NonFinite().on_step(step(look(loss), RIGHT, copy_of("fc_weight", [1.0]))) == []


def test_a_step_without_arrays_has_nothing_to_check():
    assert NonFinite().on_step(step(note(Noted.UPDATE_BEFORE_BACKWARD))) is NOTHING_TO_CHECK


# At the end


@BAD
def test_a_trained_parameter_at_the_end(bad):
    finding = the_finding(NonFinite(), facts(trained([1.0]), trained([1.0, bad], name="fc_bias")))
    assert finding.severity is ERROR
    assert finding.text == f"fc_bias is not finite at the end: {CURE}"


def test_of_a_divergence_that_was_found_the_end_says_nothing():
    rule = NonFinite()
    the_finding(rule, step(sample(before=[1.0], gradient=[np.nan])))
    assert rule.at_end(facts(trained([np.nan]))) == []


def test_finite_parameters_are_right():
    assert NonFinite().at_end(facts(trained([1.0, -2.0]))) == []


def test_sparse_parameters_are_not_read():
    sparse = buffer(updates=1, array=mx.nd.array([[np.nan], [0.0]]).tostype("row_sparse"))
    assert NonFinite().at_end(facts(sparse)) == []


@pytest.mark.parametrize("left", [buffer(array=mx.nd.array([np.nan])), buffer(updates=3)])
def test_without_trained_parameters_there_is_nothing_to_check(left):
    """Such are those that were never updated, and those that are freed."""
    assert NonFinite().at_end(facts(left)) is NOTHING_TO_CHECK
