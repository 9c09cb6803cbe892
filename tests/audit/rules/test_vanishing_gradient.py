import pytest
from hand_made import sample, step, the_finding

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.vanishing_gradient import VanishingGradient
from mx_notes.runtime import mx


def layer(name, gradient, weights=1.0, optimizer=None):
    """One weight matrix with its gradient."""
    values = {"before": [weights, weights], "gradient": [gradient, gradient]}
    return sample(name, **values, shape=(1, 2), optimizer=optimizer)


def layers(*gradients):
    return step(*(layer(f"layer{number}_weight", size) for number, size in enumerate(gradients)))


VANISHING, RIGHT = layers(9e-4, 1e-3, 0.1, 1.0), layers(1.1e-3, 0.1, 0.1, 1.0)


def test_a_first_gradient_that_is_lost_twice_in_a_row():
    rule = VanishingGradient()
    assert rule.on_step(VANISHING) == []
    finding = the_finding(rule, VANISHING)
    assert finding.severity is WARNING
    assert "the first layer's gradient is 9.0e-04 of its weights, the last layer's 1.0e+00" in finding.text
    assert "use ReLU, a He start, batch normalisation or shortcuts" in finding.text
    assert rule.on_step(VANISHING) == []  # it has been said


def test_once_is_no_proof():
    rule = VanishingGradient()
    assert [rule.on_step(each) for each in (VANISHING, RIGHT, VANISHING)] == [[], [], []]


def test_gradients_in_proportion_are_right():
    rule = VanishingGradient()
    assert [rule.on_step(RIGHT) for _ in range(3)] == [[], [], []]


def test_a_gradient_is_small_in_relation_to_its_weights():
    rule = VanishingGradient()
    small = step(layer("first", 1e-4, weights=1e-4), *(layer(name, 1.0) for name in "abc"))
    assert [rule.on_step(small) for _ in range(2)] == [[], []]


def test_a_trainers_layers_come_in_the_order_of_their_numbers():
    """A Trainer sorts names as text, so that dense10 comes before dense2."""
    parameter = mx.gluon.Parameter("dense10_weight", shape=(1, 2))
    trainers = mx.optimizer.SGD(param_dict={0: parameter})
    gradients = {"dense10_weight": 1.0, "dense2_weight": 1e-4, "dense3_weight": 0.1, "dense4_weight": 0.1}
    samples = [layer(name, size, optimizer=trainers) for name, size in gradients.items()]
    rule = VanishingGradient()
    assert rule.on_step(step(*samples)) == []
    assert the_finding(rule, step(*samples)).text.startswith("the first layer's gradient is 1.0e-04")


def test_a_modules_layers_come_in_their_own_order_whatever_their_numbers():
    rule = VanishingGradient()
    samples = [layer(name, size) for name, size in (("stem9", 1e-4), ("a1", 0.1), ("b2", 0.1), ("c3", 1.0))]
    assert rule.on_step(step(*samples)) == []
    assert the_finding(rule, step(*samples))


@pytest.mark.parametrize(
    "shallow",
    [
        layers(1e-4, 1.0, 1.0),
        step(*(sample(f"bias{n}", before=[1.0], gradient=[10.0 ** (n - 4)]) for n in range(4))),
        step(layer("zero", 1.0, weights=0.0), layer("first", 1e-4), layer("a", 1.0), layer("b", 1.0)),
        layers(float("nan"), 1.0, 1.0, 1.0),
        step(),
    ],
)
def test_fewer_than_four_matrices_are_not_deep_and_nan_is_left_to_another_rule(shallow):
    assert VanishingGradient().on_step(shallow) is NOTHING_TO_CHECK
