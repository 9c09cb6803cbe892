"""The rule double-softmax: each loss with the input that it takes, and with another's."""

import numpy as np
import pytest
from hand_made import dense, leaf, look, mean, node, sigmoid, softmax_loss, softmax_output, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK, WARNING
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


def output():
    return softmax_output(logits(), LABELS)


@pytest.mark.parametrize("inner", [softmax, output])
def test_a_softmax_before_the_softmax_loss(inner):
    text = finding_in(softmax_loss(inner(), LABELS))
    assert "softmax is applied twice; hand the loss the logits" in text


@pytest.mark.parametrize("axis", [-1, 1])
def test_log_probabilities_stay_what_they_are(axis):
    inner = node("log_softmax", logits(), values=np.log(PROBABILITIES), axis=axis)
    assert holds(softmax_loss(inner, LABELS))
    assert holds(softmax_output(inner, LABELS))


@pytest.mark.parametrize(("inner", "outer"), [({"axis": 0}, {}), ({}, {"temperature": 2.0})])
def test_log_probabilities_along_another_axis_or_made_softer_do_not(inner, outer):
    made = node("log_softmax", logits(), values=LOGITS, **({"axis": -1} | inner))
    assert "applied twice" in finding_in(node("log_softmax", made, values=LOGITS, **({"axis": -1} | outer)))


def test_a_change_of_shape_between_the_two_hides_nothing():
    reshaped = node("_np_reshape", softmax(), values=PROBABILITIES)
    assert "applied twice" in finding_in(softmax_loss(reshaped, LABELS))


def test_a_softmax_before_softmax_output():
    text = finding_in(softmax_output(softmax(), LABELS))
    assert text.startswith("SoftmaxOutput is given the output of softmax: softmax is applied twice")


def test_probabilities_that_come_from_elsewhere():
    text = finding_in(softmax_loss(leaf("data", PROBABILITIES), LABELS))
    assert text == "log_softmax is given values that are probabilities already, not logits"
    assert finding_in(softmax_loss(leaf("data", [[0.25, 0.75]]), [1]))


def test_logits_are_right():
    assert holds(softmax_loss(logits(), LABELS))
    assert holds(softmax_output(logits(), LABELS))


# The sigmoid loss takes logits


def sigmoid_loss(scores, negative="_mul_scalar"):
    """Gluon's: relu(x) - x y + log(1 + exp(-|x|)); here the last term only."""
    negative = node(negative, node("abs", scores, shape=(2, 3)), shape=(2, 3), scalar=-1.0)
    return mean(node("Activation", negative, shape=(2, 3), act_type="softrelu"))


def sigmoid_loss_of_numpy(scores):
    return sigmoid_loss(scores, "_npi_negative")


@pytest.mark.parametrize(
    "loss",
    [
        sigmoid_loss,
        sigmoid_loss_of_numpy,
        lambda scores: node("LogisticRegressionOutput", scores, leaf("label", shape=(2, 3))),
    ],
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


def dotted(scores, targets=None):
    """-sum(scores * target), with targets that are distributions."""
    targets = targets or leaf("label", np.eye(3)[LABELS])
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


def test_targets_may_be_made_by_one_hot():
    targets = node("one_hot", leaf("label", LABELS), values=np.eye(3)[LABELS])
    assert "use log_softmax" in finding_in(dotted(softmax(), targets))


@pytest.mark.parametrize(
    "target",
    [
        leaf("mask", np.ones((2, 3))),
        leaf("weight", np.eye(3)[LABELS], parameter=True),
        node("softmax", logits(), values=PROBABILITIES),  # such as attention
    ],
)
def test_what_is_no_distribution_from_outside_is_no_target(target):
    assert DoubleSoftmax().on_step(given(dotted(logits(), target))) is NOTHING_TO_CHECK


def summed(op="elemwise_mul", sign=-1.0, after="_mul_scalar"):
    pair = node(op, logits(), leaf("label", np.eye(3)[LABELS]), shape=(2, 3))
    signed = node("_mul_scalar", node("sum", pair, shape=(2,), axis=-1), shape=(2,), scalar=sign)
    return node(after, signed, shape=(2,), scalar=1.0)


@pytest.mark.parametrize("other", [{"op": "elemwise_add"}, {"sign": 1.0}, {"after": "exp"}])
def test_only_a_negated_sum_of_products_that_is_the_loss_takes_log_probabilities(other):
    assert finding_in(summed())
    assert DoubleSoftmax().on_step(given(summed(**other))) is NOTHING_TO_CHECK


def difference(source):
    plus = node("_plus_scalar", leaf("label", np.eye(3)[LABELS]), shape=(2, 3), scalar=1e-12)
    return node("elemwise_sub", node(source, plus, shape=(2, 3)), logits(), shape=(2, 3))


def test_only_a_target_times_a_difference_from_its_logarithm_is_a_divergence():
    def weighted(difference):
        return node("elemwise_mul", leaf("weight", shape=(2, 3)), difference, shape=(2, 3))

    assert finding_in(weighted(difference("log")))
    for other in (weighted(difference("square")), difference("log")):
        assert DoubleSoftmax().on_step(given(other)) is NOTHING_TO_CHECK


@pytest.mark.parametrize("values", [None, np.ones((2, 1)), np.ones((2, 3, 4))])
def test_scores_that_are_no_table_are_not_judged(values):
    assert holds(picked(node("FullyConnected", leaf("data", shape=(2, 8)), values=values)))


# Binary cross-entropy with from_sigmoid=True takes probabilities


def binary_cross_entropy(scores):
    rest = node("_rminus_scalar", scores, shape=(2, 3), scalar=1.0)
    halves = [
        node("log", node("_plus_scalar", half, shape=(2, 3), scalar=1e-12), shape=(2, 3))
        for half in (scores, rest)
    ]
    return mean(node("elemwise_add", *halves, shape=(2, 3)))


@pytest.mark.parametrize("values", [LOGITS, [[-0.5, 0.0, 1.0]] * 2, [[0.0, 1.0, 1.5]] * 2])
def test_binary_cross_entropy_of_logits(values):
    text = finding_in(binary_cross_entropy(dense(leaf("data", shape=(2, 8)), values=values)))
    assert "takes probabilities (from_sigmoid=True): apply sigmoid, or leave it to the loss" in text


def test_binary_cross_entropy_of_probabilities_is_right():
    assert holds(binary_cross_entropy(sigmoid(logits())))
    assert holds(binary_cross_entropy(node("sigmoid", logits(), values=[[0.0, 0.5, 1.0]] * 2)))
    assert holds(binary_cross_entropy(node("sigmoid", leaf("scores"))))  # as far as can be told


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


@pytest.mark.parametrize("loss", [softmax_loss, softmax_output])
@pytest.mark.parametrize(("activation", "largest"), [("sigmoid", "0.58"), ("tanh", "0.79")])
def test_bounded_scores_cannot_be_sure(loss, activation, largest):
    scores = node("Activation", logits(), values=np.tanh(LOGITS), act_type=activation)
    finding = the_finding(DoubleSoftmax(), given(loss(scores, LABELS)))
    assert finding.severity is WARNING
    assert (
        f"given the output of {activation}: no probability among 3 classes can exceed {largest}"
        in finding.text
    )


def test_scores_cut_at_0_can_be_sure():
    assert holds(softmax_loss(node("Activation", logits(), values=np.abs(LOGITS), act_type="relu"), LABELS))
