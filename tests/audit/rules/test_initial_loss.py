import numpy as np
import pytest
from hand_made import dense, leaf, look, mean, node, softmax_loss, softmax_output, step, the_finding

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.initial_loss import InitialLoss

LABELS = [1, 2]
SURE = dense(leaf("data", shape=(2, 8)), values=[[20.0, 0.0, 0.0], [20.0, 0.0, 0.0]])  # and wrong
UNDECIDED = dense(leaf("data", shape=(2, 8)), values=np.zeros((2, 3)))


@pytest.mark.parametrize("loss", [softmax_loss, softmax_output])
def test_a_first_loss_far_above_that_of_an_undecided_network(loss):
    finding = the_finding(InitialLoss(), step(look(loss(SURE, LABELS))))
    assert finding.severity is WARNING
    assert "the first loss is 20, ln(3) = 1.1 is that of an undecided network" in finding.text
    assert "the start is too large, or the labels don't fit" in finding.text


@pytest.mark.parametrize("loss", [softmax_loss, softmax_output])
def test_an_undecided_network_is_right(loss):
    assert InitialLoss().on_step(step(look(loss(UNDECIDED, LABELS)))) == []


def test_a_network_that_knows_already_is_right():
    assert InitialLoss().on_step(step(look(softmax_loss(SURE, [0, 0])))) == []


def test_twice_the_loss_of_an_undecided_network_and_1_more_is_still_right():
    """2 ln(3) + 1 = 3.2; the losses here are 3.1 and 3.3."""
    near, far = (dense(leaf("data", shape=(1, 8)), values=[[score, 0.0, 0.0]]) for score in (3.0, 3.2))
    assert InitialLoss().on_step(step(look(softmax_loss(near, [1])))) == []
    assert the_finding(InitialLoss(), step(look(softmax_loss(far, [1]))))


def test_labels_beyond_the_classes_are_taken_for_the_nearest_class():
    first_and_last = dense(leaf("data", shape=(2, 8)), values=[[20.0, 0.0, 0.0], [0.0, 0.0, 20.0]])
    assert InitialLoss().on_step(step(look(softmax_output(first_and_last, [-1, 7])))) == []


def test_it_looks_once():
    rule = InitialLoss()
    assert rule.on_step(step(look(softmax_loss(UNDECIDED, LABELS)))) == []
    assert rule.on_step(step(look(softmax_loss(SURE, LABELS)))) is NOTHING_TO_CHECK


def test_later_steps_are_not_the_first():
    assert InitialLoss().on_step(step(look(softmax_loss(SURE, LABELS)), number=2)) is NOTHING_TO_CHECK


ONE_EXAMPLE = node("log_softmax", leaf("scores", shape=(3,)), values=[-20.0, -20.0, 0.0])
SOFTMAX = node("softmax", SURE, values=[[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    "loss",
    [
        mean(SURE),
        node("pick", SOFTMAX, leaf("label", LABELS), shape=(2,)),  # of probabilities
        node("pick", ONE_EXAMPLE, leaf("label", [1]), shape=(1,)),  # without a batch
        softmax_output(node("FullyConnected", leaf("data", shape=(2, 8)), shape=(2, 3)), LABELS),  # no values
        softmax_output(SURE, [LABELS]),  # a picture's labels
        node("SoftmaxOutput", SURE, leaf("label", shape=(2,)), shape=(2, 3)),  # nor labels
    ],
)
def test_a_loss_that_cannot_be_computed_is_not_judged(loss):
    assert InitialLoss().on_step(step(look(loss))) is NOTHING_TO_CHECK


def test_a_step_without_a_graph_is_not_judged():
    assert InitialLoss().on_step(step()) is NOTHING_TO_CHECK


def test_labels_that_are_ignored_do_not_count():
    scores = dense(leaf("data", shape=(4, 8)), values=[[0, 0, 0.0], *[[0, 0, 20.0]] * 3])
    assert InitialLoss().on_step(step(look(softmax_output(scores, [1, -1, -1, -1], use_ignore=True)))) == []
    assert the_finding(InitialLoss(), step(look(softmax_output(scores, [1, -1, -1, -1]))))


def test_hinge_loss_is_no_cross_entropy():
    scores = dense(leaf("data", shape=(2, 8)), values=[[20.0, 0, 0]] * 2)
    hinge = node("SVMOutput", scores, leaf("label", [1, 2]), shape=(2, 3))
    assert InitialLoss().on_step(step(look(hinge))) is NOTHING_TO_CHECK
