import pytest
from hand_made import sample, stacked, step, the_finding

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.vanishing_gradient import VanishingGradient


def layer(name, gradient, weights=1.0):
    """One weight matrix with its gradient."""
    return sample(name, before=[weights, weights], gradient=[gradient, gradient], shape=(1, 2))


def layers(*gradients):
    return stacked(*(layer(f"layer{number}_weight", size) for number, size in enumerate(gradients)))


VANISHING, RIGHT = layers(9e-4, 1e-3, 0.1, 1.0), layers(1.1e-3, 0.1, 0.1, 1.0)


def test_a_first_gradient_that_is_lost_twice_in_a_row():
    rule = VanishingGradient()
    assert rule.on_step(VANISHING) == []
    finding = the_finding(rule, VANISHING)
    assert finding.severity is WARNING
    assert "the first layer's gradient is 9.0e-04 times the last layer's" in finding.text
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
    small = stacked(layer("first", 1e-4, weights=1e-4), *(layer(name, 1.0) for name in "abc"))
    assert [rule.on_step(small) for _ in range(2)] == [[], []]


@pytest.mark.parametrize(
    "forward",
    [
        ["dense2_weight", "dense3_weight", "dense4_weight", "dense10_weight"],
        ["lstm0_l0_i2h_weight", "lstm0_l0_h2h_weight", "lstm0_l1_i2h_weight", "dense0_weight"],
        ["stem9", "a1", "b2", "c3"],
    ],
)
def test_the_first_layer_is_that_of_the_forward_pass_whatever_the_names(forward):
    sizes = dict(zip(forward, (1e-4, 0.1, 0.1, 1.0), strict=True))
    updated = stacked(*(layer(name, sizes[name]) for name in sorted(forward)), names=forward)
    rule = VanishingGradient()
    assert rule.on_step(updated) == []
    assert the_finding(rule, updated).text.startswith(
        "relative to the weights the first layer's gradient is 1.0e-04"
    )


def test_weights_that_the_graph_does_not_have_are_in_no_order():
    assert VanishingGradient().on_step(stacked(*VANISHING.samples, names=["other"])) is NOTHING_TO_CHECK


@pytest.mark.parametrize(
    "shallow",
    [
        layers(1e-4, 1.0, 1.0),
        stacked(*(sample(f"bias{n}", before=[1.0], gradient=[10.0 ** (n - 4)]) for n in range(4))),
        stacked(layer("zero", 1.0, weights=0.0), layer("first", 1e-4), layer("a", 1.0), layer("b", 1.0)),
        layers(float("nan"), 1.0, 1.0, 1.0),
        step(),
    ],
)
def test_fewer_than_four_matrices_are_not_deep_and_nan_is_left_to_another_rule(shallow):
    assert VanishingGradient().on_step(shallow) is NOTHING_TO_CHECK
