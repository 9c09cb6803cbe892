import numpy as np
import pytest
from hand_made import dense, leaf, look, mean, node, softmax_loss, softmax_output, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.label_range import LabelRange

SCORES = dense(leaf("data", shape=(4, 8)), units=3)


def cross_entropy(scores, labels):
    return node("softmax_cross_entropy", scores, leaf("label", labels), shape=(1,))


LOSSES = pytest.mark.parametrize("loss", [softmax_loss, softmax_output, cross_entropy])


@LOSSES
@pytest.mark.parametrize(
    ("labels", "wrong"), [([0, 1, 2, 3], 3), ([0, 1, -1, 2], -1), ([0, 1, 2, 1000], 1000)]
)
def test_a_label_outside_the_classes(loss, labels, wrong):
    finding = the_finding(LabelRange(), step(look(loss(SCORES, labels))))
    assert finding.severity is ERROR
    assert finding.text.startswith(f"label {wrong} is outside the 3 classes, 0 to 2")
    assert "fix the labels or the size of the last layer" in finding.text


@LOSSES
def test_labels_from_0_to_below_the_number_of_classes_are_right(loss):
    assert LabelRange().on_step(step(look(loss(SCORES, [0, 1, 2, 0])))) == []


@pytest.mark.parametrize(("ignored", "settings"), [(-1, {}), (255, {"ignore_label": 255})])
def test_a_label_that_is_to_be_ignored(ignored, settings):
    labels = [0, 1, 2, ignored]
    ignoring = softmax_output(SCORES, labels, use_ignore=True, **settings)
    assert LabelRange().on_step(step(look(ignoring))) == []
    assert the_finding(LabelRange(), step(look(softmax_output(SCORES, labels, **settings))))


def test_the_classes_of_a_picture_are_its_second_axis():
    scores = leaf("scores", shape=(1, 2, 3, 3))
    labels = leaf("label", np.full((1, 3, 3), 2.0))
    picked = node("pick", node("log_softmax", scores, shape=(1, 2, 3, 3)), labels, shape=(1, 3, 3), axis=1)
    output = node("SoftmaxOutput", scores, labels, shape=(1, 2, 3, 3), multi_output=True)
    for head in (picked, output):
        assert "outside the 2 classes" in the_finding(LabelRange(), step(look(head))).text


@pytest.mark.parametrize("op", ["softmax", "log_softmax"])
@pytest.mark.parametrize(("label", "right"), [(2.0, True), (3.0, False)])
def test_the_classes_of_a_sequences_tokens_are_the_last_axis(op, label, right):
    shape = (2, 5, 3)
    distribution = node(op, leaf("scores", shape=shape), shape=shape)
    head = node("pick", distribution, leaf("label", np.full((2, 5), label)), shape=(2, 5), axis=-1)
    assert (LabelRange().on_step(step(look(head))) == []) == right


def test_a_pick_from_scores_that_are_no_distribution_is_no_classification():
    values = node("pick", SCORES, leaf("action", [7, 7, 7, 7]), shape=(4,))
    assert LabelRange().on_step(step(look(values))) is NOTHING_TO_CHECK


@pytest.mark.parametrize(
    "loss",
    [
        mean(SCORES),
        node("SoftmaxOutput", SCORES, leaf("label", shape=(4,)), shape=(4, 3)),  # labels that cannot be read
        node("SoftmaxOutput", leaf("scores"), leaf("label", [9])),  # of an unknown shape
        node(
            "SoftmaxOutput", leaf("scores", shape=(4,)), leaf("label", [9]), shape=(4,)
        ),  # no axis of classes
    ],
)
def test_what_cannot_be_told_is_not_judged(loss):
    assert LabelRange().on_step(step(look(loss))) is NOTHING_TO_CHECK


def test_a_step_without_a_graph_is_not_judged():
    assert LabelRange().on_step(step()) is NOTHING_TO_CHECK


@pytest.mark.parametrize("labels", [[0.5, 1, 0, 2], [1, float("nan"), 0, 1]])
def test_a_label_that_is_no_whole_number(labels):
    loss = softmax_output(dense(leaf("data", shape=(4, 8))), labels)
    assert the_finding(LabelRange(), step(look(loss)))
