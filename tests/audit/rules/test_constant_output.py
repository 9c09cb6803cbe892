import numpy as np
import pytest
from hand_made import dense, leaf, look, mean, node, softmax_loss, softmax_output, step, the_finding

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.constant_output import ConstantOutput

LABELS = np.arange(8) % 3
VARIED = np.eye(8, 3)


def classifier(values, labels=LABELS, loss=softmax_loss):
    return look(loss(dense(leaf("data", shape=(8, 4)), values=values), labels))


def regression(values):
    guess = dense(leaf("data", shape=(8, 4)), values=values)
    error = node("broadcast_sub", guess, leaf("label", VARIED), shape=(8, 3))
    return look(mean(node("square", error, shape=(8, 3))))


def judged(seen, *numbers):
    rule = ConstantOutput()
    answers = [rule.on_step(step(seen, number=number)) for number in numbers]
    return answers[-1]


@pytest.mark.parametrize("loss", [softmax_loss, softmax_output])
@pytest.mark.parametrize("noise", [0, 1e-5])
def test_the_same_scores_for_all_examples_twice_in_a_row(loss, noise):
    rule = ConstantOutput()
    seen = classifier(np.ones((8, 1)) * [1.0, 0.0, 2.0] + noise * VARIED, loss=loss)
    assert rule.on_step(step(seen, number=4)) == []
    finding = the_finding(rule, step(seen, number=16))
    assert finding.severity is WARNING
    assert "the network says the same of every example, though their labels differ" in finding.text
    assert rule.on_step(step(seen, number=64)) == []  # said once


def test_the_same_prediction_for_all_examples():
    assert judged(regression(np.ones((8, 3))), 4, 16)
    assert judged(regression(VARIED), 4, 16) == []


def test_a_last_layer_of_zeros_has_hardly_moved_yet():
    assert judged(classifier(np.zeros((8, 3))), 1, 3) is NOTHING_TO_CHECK


@pytest.mark.parametrize("values", [VARIED, 1e-3 * VARIED])
def test_scores_that_differ_a_little_are_a_beginning(values):
    assert judged(classifier(values), 4, 16) == []


def test_examples_of_one_class_may_get_the_same_scores():
    assert judged(classifier(np.zeros((8, 3)), labels=np.zeros(8)), 4, 16) is NOTHING_TO_CHECK


def test_a_few_examples_do_not_tell():
    few = look(softmax_loss(dense(leaf("data", shape=(2, 4))), [0, 1]))
    assert judged(few, 4, 16) is NOTHING_TO_CHECK
