import numpy as np
import pytest
from hand_made import dense, leaf, look, mean, node, relu, sample, softmax_loss, step, the_finding

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.dead_activation import DeadActivation

DATA = leaf("data", shape=(2, 3))
NEGATIVE = leaf("data", [[-1.0, -0.5, 0.0], [-2.0, -3.0, -4.0]])


def hidden(activation):
    """A network with this activation inside."""
    return look(dense(activation))


ALIVE = hidden(relu(leaf("data", [[-1.0, -0.5, 0.5], [-2.0, -3.0, -4.0]])))
DEAD = hidden(relu(NEGATIVE))


def at_second_look(seen):
    rule = DeadActivation()
    assert rule.on_step(step(seen, number=2)) == []
    return the_finding(rule, step(seen, number=3))


def test_a_relu_that_is_zero_at_two_looks():
    finding = at_second_look(DEAD)
    assert finding.severity is WARNING
    assert "relu (Activation), a relu, is zero for all examples of several batches" in finding.text


@pytest.mark.parametrize(
    ("kind", "values"), [("sigmoid", [[1.0, 0.0, 1e-4]]), ("tanh", [[1.0, -1.0, 0.9999]])]
)
@pytest.mark.parametrize("op", ["Activation", None])
def test_a_saturated_activation_at_two_looks(op, kind, values):
    activation = node(op or kind, DATA, values=values, act_type=kind)
    assert f"a {kind}, is saturated for all examples" in at_second_look(hidden(activation)).text


def test_batch_norm_and_relu_in_one_operator_is_a_relu():
    fused = node("_contrib_BatchNormWithReLU", DATA, values=np.zeros((2, 3)))
    assert "a relu, is zero" in at_second_look(hidden(fused)).text


def test_the_output_of_a_regression_is_an_activation_like_others():
    difference = node("elemwise_sub", relu(NEGATIVE), leaf("label", shape=(2, 3)), shape=(2, 3))
    loss = mean(node("square", difference, shape=(2, 3)))
    assert "a relu, is zero" in at_second_look(look(loss)).text


def test_it_must_be_stuck_at_two_looks_in_a_row():
    rule = DeadActivation()
    assert rule.on_step(step(DEAD, number=2)) == []
    assert rule.on_step(step(ALIVE, number=3)) == []
    assert rule.on_step(step(DEAD, number=16)) == []
    assert the_finding(rule, step(DEAD, number=17))


def test_it_is_said_once():
    rule = DeadActivation()
    said = [rule.on_step(step(DEAD, number=number)) for number in (2, 3, 16, 64)]
    assert [len(found) for found in said] == [0, 1, 0, 0]


@pytest.mark.parametrize("number", [2, 16, 64, 256, 512])
def test_of_the_sampled_steps_these_are_due(number):
    assert DeadActivation().on_step(step(ALIVE, number=number)) == []


@pytest.mark.parametrize("number", [1, 3, 4, 128])
def test_others_are_spared_the_forward_pass_without_a_suspicion(number):
    rule = DeadActivation()
    assert rule.on_step(step(DEAD, number=number)) is NOTHING_TO_CHECK
    assert rule.on_step(step(ALIVE, number=2)) == []
    assert rule.on_step(step(DEAD, number=number)) is NOTHING_TO_CHECK


@pytest.mark.parametrize("kind", ["sigmoid", "tanh"])
@pytest.mark.parametrize("values", [[0.002] * 20, [0.998] * 20, [1.0] * 19 + [0.5]])
def test_activations_that_are_nearly_saturated_are_right(kind, values):
    rule, near = DeadActivation(), hidden(node(kind, DATA, values=[values]))
    assert [rule.on_step(step(near, number=number)) for number in (2, 16)] == [[], []]


def test_what_died_of_nan_parameters_is_left_to_another_rule():
    lost = sample(before=[float("nan")])
    assert DeadActivation().on_step(step(DEAD, lost, number=2)) is NOTHING_TO_CHECK


def test_a_margin_that_is_kept_is_a_loss_of_zero():
    margins = relu(NEGATIVE)
    squared = node("square", margins, shape=(2, 3))
    for loss in (margins, mean(margins), mean(squared)):
        assert DeadActivation().on_step(step(look(loss), number=2)) is NOTHING_TO_CHECK


@pytest.mark.parametrize("values", [None, [np.nan, 0.0], []])
def test_values_that_say_nothing(values):
    unknown = node("exp", node("relu", DATA, values=values, shape=(2, 3)))
    assert DeadActivation().on_step(step(look(unknown), number=2)) is NOTHING_TO_CHECK


def test_a_network_without_activations_has_nothing_to_check():
    leaky = node("LeakyReLU", DATA, values=np.zeros((2, 3)), act_type="leaky")
    for network in (hidden(DATA), hidden(leaky)):
        assert DeadActivation().on_step(step(network, number=2)) is NOTHING_TO_CHECK
    assert DeadActivation().on_step(step(number=2)) is NOTHING_TO_CHECK


def test_of_several_passes_the_first_is_looked_at():
    assert DeadActivation().on_step(step(hidden(DATA), DEAD, number=2)) is NOTHING_TO_CHECK


def test_a_class_whose_score_a_relu_cuts_off():
    layer = dense(leaf("data", shape=(2, 8)), values=[[1.0, -1.0, 2.0], [2.0, -3.0, 1.0]])
    seen = look(softmax_loss(relu(layer), [0, 2]))
    rule = DeadActivation()
    assert rule.on_step(step(seen, number=2)) == []
    finding = the_finding(rule, step(seen, number=16))
    assert finding.severity is WARNING
    assert "the score of class 1 is zero for all examples of several batches" in finding.text
    assert "let the last layer be linear" in finding.text
