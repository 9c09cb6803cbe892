"""The rule double-softmax: each loss with the input that it takes, and with another's."""

import numpy as np
import pytest
from hand_made import dense, leaf, look, mean, node, sigmoid, softmax_loss, softmax_output, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.double_softmax import DoubleSoftmax

LABELS = [0, 2]
LOGITS = np.array([[2.0, -1.0, 0.5], [-3.0, 1.0, 4.0]])
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)


def logits():
    return dense(leaf("data", shape=(2, 8)), values=LOGITS)


def softmax():
    return node("softmax", logits(), values=PROBABILITIES, axis=-1)


def log_softmax():
    return node("log_softmax", logits(), values=np.log(PROBABILITIES), axis=-1)


def given(*heads):
    return step(look(*heads))


def finding_in(*heads):
    finding = the_finding(DoubleSoftmax(), given(*heads))
    assert finding.severity is ERROR
    return finding.text


def holds(*heads):
    return DoubleSoftmax().on_step(given(*heads)) == []


# Softmax losses take logits


@pytest.mark.parametrize("inner", [softmax, log_softmax])
def test_a_softmax_before_the_softmax_loss(inner):
    text = finding_in(softmax_loss(inner(), LABELS))
    assert "softmax is applied twice; hand the loss the logits" in text


def test_a_change_of_shape_between_the_two_hides_nothing():
    reshaped = node("_np_reshape", softmax(), values=PROBABILITIES)
    assert "applied twice" in finding_in(softmax_loss(reshaped, LABELS))


def test_a_softmax_before_softmax_output():
    text = finding_in(softmax_output(softmax(), LABELS))
    assert text.startswith("SoftmaxOutput is given the output of softmax: softmax is applied twice")


def test_probabilities_that_come_from_elsewhere():
    text = finding_in(softmax_loss(leaf("data", PROBABILITIES), LABELS))
    assert text == "log_softmax is given values that are probabilities already, not logits"


def test_logits_are_right():
    assert holds(softmax_loss(logits(), LABELS))
    assert holds(softmax_output(logits(), LABELS))


# The sigmoid loss takes logits


def sigmoid_loss(scores):
    """Gluon's: relu(x) - x y + log(1 + exp(-|x|)); here the last term only."""
    negative = node("_mul_scalar", node("abs", scores, shape=(2, 3)), shape=(2, 3), scalar=-1.0)
    return mean(node("Activation", negative, shape=(2, 3), act_type="softrelu"))


@pytest.mark.parametrize(
    "loss",
    [sigmoid_loss, lambda scores: node("LogisticRegressionOutput", scores, leaf("label", shape=(2, 3)))],
)
def test_a_sigmoid_before_the_sigmoid_loss(loss):
    text = finding_in(loss(sigmoid(logits())))
    assert "applied twice; hand the loss the logits, or say from_sigmoid=True" in text
    assert holds(loss(logits()))


def test_a_soft_relu_elsewhere_is_no_loss():
    hidden = node("Activation", sigmoid(logits()), shape=(2, 3), act_type="softrelu")
    assert DoubleSoftmax().on_step(given(hidden)) is NOTHING_TO_CHECK


# Losses with from_logits=True take log-probabilities


def picked(scores, scalar=-1.0):
    return node(
        "_mul_scalar", node("pick", scores, leaf("label", LABELS), shape=(2,)), shape=(2,), scalar=scalar
    )


def dotted(scores):
    """-sum(scores * target), with targets that are distributions."""
    targets = leaf("label", np.eye(3)[LABELS])
    total = node("sum", node("elemwise_mul", scores, targets, shape=(2, 3)), shape=(2,), axis=-1)
    return node("negative", total, shape=(2,))


def divergence(scores):
    """Gluon's KLDivLoss: target * (log(target + epsilon) - scores)."""
    targets = leaf("label", np.eye(3)[LABELS])
    logarithm = node("log", node("_plus_scalar", targets, shape=(2, 3), scalar=1e-12), shape=(2, 3))
    difference = node("elemwise_sub", logarithm, scores, shape=(2, 3))
    return mean(node("elemwise_mul", targets, difference, shape=(2, 3)))


@pytest.mark.parametrize("loss", [picked, dotted, divergence])
def test_what_takes_log_probabilities_is_given_something_else(loss):
    assert "is given probabilities: use log_softmax" in finding_in(loss(softmax()))
    assert "is given logits where it takes log-probabilities (from_logits=True)" in finding_in(loss(logits()))
    assert "apply log_softmax" in finding_in(loss(logits()))


@pytest.mark.parametrize("loss", [picked, dotted, divergence])
def test_log_probabilities_are_right(loss):
    by_hand = node("log", softmax(), values=np.log(PROBABILITIES))
    assert holds(loss(log_softmax()))
    assert holds(loss(by_hand))


def test_a_score_that_is_picked_and_not_negated_is_no_loss():
    assert DoubleSoftmax().on_step(given(picked(logits(), scalar=2.0))) is NOTHING_TO_CHECK


def test_a_mask_is_no_target():
    mask = leaf("mask", np.ones((2, 3)))
    total = node("sum", node("elemwise_mul", logits(), mask, shape=(2, 3)), shape=(2,), axis=-1)
    assert DoubleSoftmax().on_step(given(node("negative", total, shape=(2,)))) is NOTHING_TO_CHECK


# Binary cross-entropy with from_sigmoid=True takes probabilities


def binary_cross_entropy(scores):
    rest = node("_rminus_scalar", scores, shape=(2, 3), scalar=1.0)
    halves = [
        node("log", node("_plus_scalar", half, shape=(2, 3), scalar=1e-12), shape=(2, 3))
        for half in (scores, rest)
    ]
    return mean(node("elemwise_add", *halves, shape=(2, 3)))


def test_binary_cross_entropy_of_logits():
    text = finding_in(binary_cross_entropy(logits()))
    assert "takes probabilities (from_sigmoid=True): apply sigmoid, or leave it to the loss" in text


def test_binary_cross_entropy_of_probabilities_is_right():
    assert holds(binary_cross_entropy(sigmoid(logits())))


# When it looks


def test_a_network_is_looked_at_twice():
    rule = DoubleSoftmax()
    twice = given(softmax_loss(softmax(), LABELS))
    assert [len(rule.on_step(twice)) for _ in range(2)] == [1, 1]
    assert rule.on_step(twice) is NOTHING_TO_CHECK


def test_another_network_is_looked_at_again():
    rule = DoubleSoftmax()
    for _ in range(3):
        rule.on_step(given(softmax_loss(logits(), LABELS)))
    assert "applied twice" in the_finding(rule, given(softmax_loss(softmax(), LABELS))).text


def test_of_several_losses_one_is_named():
    assert "applied twice" in finding_in(softmax_loss(softmax(), LABELS), dotted(logits()))


def test_without_a_loss_that_can_be_told_there_is_nothing_to_check():
    assert DoubleSoftmax().on_step(given(mean(logits()))) is NOTHING_TO_CHECK
    assert DoubleSoftmax().on_step(step()) is NOTHING_TO_CHECK
