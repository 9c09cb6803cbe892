import pytest
from hand_made import dense, leaf, look, mean, node, relu, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.target_range import TargetRange

SCORES = dense(leaf("data", shape=(4, 8)), 1)


def output(targets):
    return step(look(node("LogisticRegressionOutput", SCORES, leaf("label", column(targets)), shape=(4, 1))))


def logistic(targets):
    """As SigmoidBinaryCrossEntropyLoss: relu(x) - x y + …"""
    product = node("broadcast_mul", SCORES, leaf("label", column(targets)), shape=(4, 1))
    return step(look(mean(node("broadcast_sub", relu(SCORES), product, shape=(4, 1)))))


def hinge(targets):
    product = node("broadcast_mul", SCORES, leaf("label", column(targets)), shape=(4, 1))
    margin = node("_rminus_scalar", product, shape=(4, 1), scalar=1.0)
    return step(look(mean(node("Activation", margin, shape=(4, 1), act_type="relu"))))


def column(targets):
    return [[target] for target in targets]


@pytest.mark.parametrize("loss", [output, logistic])
@pytest.mark.parametrize(
    ("targets", "text"), [([0, 1, 2, 1], "target 2"), ([-1, 1, 1, -1], "label_format='signed'")]
)
def test_logistic_targets_outside_0_to_1(loss, targets, text):
    finding = the_finding(TargetRange(), loss(targets))
    assert finding.severity is ERROR
    assert text in finding.text and "outside [0, 1]" in finding.text


def test_0_and_1_where_signs_are_meant():
    assert "the hinge loss takes the targets -1 and 1" in the_finding(TargetRange(), hinge([0, 1, 1, 0])).text
    # (0 + 1) / 2 and (1 + 1) / 2, as LogisticLoss makes of them
    assert "say label_format='binary'" in the_finding(TargetRange(), logistic([0.5, 1, 1, 0.5])).text


@pytest.mark.parametrize(
    "right", [output([0, 1, 1, 0]), logistic([0.1, 0.9, 1, 0]), hinge([-1, 1, 1, -1]), hinge([1, 1, 1, 1])]
)
def test_targets_that_fit(right):
    assert TargetRange().on_step(right) == []


def test_other_losses_are_not_judged():
    assert TargetRange().on_step(step(look(mean(SCORES)))) is NOTHING_TO_CHECK


def difference(activation, targets, how="square"):
    """As L2Loss and L1Loss: the square, or the size, of scores - target."""
    scores = node("Activation", SCORES, shape=(10, 1), act_type=activation)
    less = node("broadcast_sub", scores, leaf("label", column(targets)), shape=(10, 1))
    return step(look(mean(node(how, less, shape=(10, 1)))))


@pytest.mark.parametrize(
    ("activation", "targets", "text"),
    [
        ("sigmoid", range(10), "sigmoid, which gives 0 to 1: 80% of the targets, such as 2, are"),
        ("tanh", [0.5] * 9 + [3.0], "tanh, which gives -1 to 1: 10% of the targets"),
        ("relu", [1.0, -1.0] * 5, "relu, which gives nothing below 0: 50% of the targets, such as -1,"),
    ],
)
@pytest.mark.parametrize("how", ["square", "abs"])
def test_targets_that_the_last_activation_cannot_give(activation, targets, text, how):
    finding = the_finding(TargetRange(), difference(activation, targets, how))
    assert finding.severity is WARNING
    assert text in finding.text


@pytest.mark.parametrize(
    ("activation", "targets"),
    [
        ("sigmoid", [0.0, 1.0] * 5),
        ("sigmoid", [1.04] * 10),  # noise
        ("tanh", [0.5] * 10),
        ("relu", [40.0] * 10),
    ],
)
def test_targets_within_reach(activation, targets):
    assert TargetRange().on_step(difference(activation, targets)) == []


def test_an_activation_without_bounds_reaches_all():
    assert TargetRange().on_step(difference("softrelu", [5.0] * 10)) is NOTHING_TO_CHECK


def test_targets_that_a_weight_of_0_leaves_out():
    """As the region proposals' loss, whose targets of -1 are multiplied by 0."""
    product = node("broadcast_mul", SCORES, leaf("label", column([0, 1, -1, 1])), shape=(4, 1))
    loss = node("broadcast_sub", relu(SCORES), product, shape=(4, 1))
    weighted = node("broadcast_mul", loss, leaf("weight", column([1, 1, 0, 1])), shape=(4, 1))
    assert TargetRange().on_step(step(look(mean(weighted)))) is NOTHING_TO_CHECK


def test_scores_and_labels_that_changed_places():
    labels = leaf("label", column([0, 1, 1, 0]))
    product = node("broadcast_mul", labels, SCORES, shape=(4, 1))
    swapped = step(look(mean(node("broadcast_sub", relu(labels), product, shape=(4, 1)))))
    assert "is given the labels for scores" in the_finding(TargetRange(), swapped).text
