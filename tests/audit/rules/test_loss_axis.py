import pytest
from hand_made import dense, leaf, look, mean, node, softmax_loss, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.loss_axis import LossAxis

FEW = (4, 3)  # examples, classes


def softmax(axis, shape):
    return node("softmax", leaf("scores", shape=shape), shape=shape, axis=axis)


def log_softmax(axis, shape):
    return node("log_softmax", leaf("scores", shape=shape), shape=shape, axis=axis)


def by_hand(axis, shape):
    """exp(x) / sum(exp(x))."""
    exponentials = node("exp", leaf("scores", shape=shape), shape=shape)
    total = node("sum", exponentials, shape=shape, axis=axis, keepdims=True)
    return node("broadcast_div", exponentials, total, shape=shape)


def pick(source, axis):
    return node("pick", source, leaf("label", shape=(4,)), shape=(4,), axis=axis)


def picked(softmax, axis, pick_axis=-1, shape=FEW):
    """A softmax over one axis from which the label picks along another."""
    return pick(softmax(axis, shape), pick_axis)


EACH = pytest.mark.parametrize("softmax", [softmax, log_softmax, by_hand])


def finding_in(head):
    return the_finding(LossAxis(), step(look(head)))


@EACH
def test_a_softmax_over_another_axis_than_the_labels(softmax):
    finding = finding_in(picked(softmax, axis=0))
    assert finding.severity is ERROR
    assert finding.text == "softmax runs over axis 0, but the label picks from axis 1"


@EACH
def test_a_softmax_over_the_batch_and_a_pick_from_it(softmax):
    finding = finding_in(picked(softmax, axis=0, pick_axis=0))
    assert finding.severity is ERROR
    assert finding.text == "softmax runs over axis 0, the batch, not over the classes"


@EACH
@pytest.mark.parametrize("axis", [1, -1])
def test_a_softmax_over_the_classes_is_right(softmax, axis):
    assert LossAxis().on_step(step(look(picked(softmax, axis)))) == []


def test_the_logarithm_of_a_softmax_is_seen_through():
    logarithm = node("log", softmax(0, FEW), shape=FEW)
    assert "picks from axis 1" in finding_in(pick(logarithm, axis=1)).text


def test_the_default_axis_is_the_last():
    bare = node("log_softmax", leaf("scores", shape=FEW), shape=FEW)
    right = node("pick", bare, leaf("label", shape=(4,)), shape=(4,))
    assert LossAxis().on_step(step(look(right))) == []


def test_the_scores_of_one_example_have_no_batch():
    assert LossAxis().on_step(step(look(picked(log_softmax, 0, 0, shape=(3,))))) == []


def test_the_pixels_of_a_picture_in_place_of_its_classes():
    finding = finding_in(picked(log_softmax, -1, -1, shape=(2, 8, 5, 8)))
    assert finding.severity is WARNING
    assert "the last axis of scores (2, 8, 5, 8)" in finding.text
    assert "SoftmaxCrossEntropyLoss(axis=1)" in finding.text


@pytest.mark.parametrize(("axis", "shape"), [(1, (2, 8, 8, 8)), (-1, (2, 8, 8, 10))])
def test_the_classes_of_a_picture_may_be_its_second_axis_or_its_last(axis, shape):
    assert LossAxis().on_step(step(look(picked(log_softmax, axis, axis, shape=shape)))) == []


def test_of_several_losses_one_is_named():
    assert finding_in(node("add_n", picked(softmax, 0), picked(log_softmax, 0), shape=(4,)))


def test_gluons_own_loss_is_right():
    loss = softmax_loss(dense(leaf("data", shape=(4, 8))), [0, 1, 2, 0])
    assert LossAxis().on_step(step(look(loss))) == []


SCORES = leaf("scores", shape=FEW)
EXPONENTIALS = node("exp", SCORES, shape=FEW)
SIGMOIDS = node("sigmoid", SCORES, shape=FEW)


def over(above, op, below):
    """A quotient whose denominator is a reduction over the batch."""
    return pick(node("broadcast_div", above, node(op, below, shape=FEW, axis=0), shape=FEW), axis=1)


@pytest.mark.parametrize(
    "head",
    [
        over(SIGMOIDS, "sum", SIGMOIDS),
        over(EXPONENTIALS, "max", EXPONENTIALS),
        over(EXPONENTIALS, "sum", SIGMOIDS),
        mean(softmax(0, FEW)),  # nothing is picked, as in attention
        picked(by_hand, None),  # a sum over everything
        picked(by_hand, (0, 1)),
        picked(log_softmax, 0, shape=None),  # of an unknown shape
        mean(leaf("data", shape=FEW)),
    ],
)
def test_what_is_no_softmax_with_a_pick_is_not_judged(head):
    assert LossAxis().on_step(step(look(head))) is NOTHING_TO_CHECK


def test_a_step_without_a_graph_is_not_judged():
    assert LossAxis().on_step(step()) is NOTHING_TO_CHECK


def activated(shape, axis, **attributes):
    softmax = node("SoftmaxActivation", leaf("scores", shape=shape), shape=shape, **attributes)
    rest = shape[:axis] + shape[axis + 1 :]
    return node("pick", softmax, leaf("label", shape=rest), shape=rest, axis=axis)


def test_softmax_activation_runs_over_the_second_axis():
    assert LossAxis().on_step(step(look(activated((2, 3, 4, 4), 1, mode="channel")))) == []
    assert LossAxis().on_step(step(look(activated((2, 3), 1)))) == []
    assert the_finding(LossAxis(), step(look(activated((2, 3, 4, 4), 3, mode="channel"))))
    # Over all of an example's values at once: no axis to compare.
    assert LossAxis().on_step(step(look(activated((2, 3, 4, 4), 1, mode="instance")))) is NOTHING_TO_CHECK
