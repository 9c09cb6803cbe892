import pytest
from hand_made import sample, stacked, step, the_finding

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.exploding_gradient import ExplodingGradient

NAN = float("nan")


def layers(*gradients, shape=(1, 2)):
    """A sampled step of a network whose layers' gradients have these sizes, relative to their weights."""
    return stacked(
        *(
            sample(f"layer{number}_weight", before=[1.0, 1.0], gradient=[size, size], shape=shape)
            for number, size in enumerate(gradients)
        )
    )


EXPLODING, RIGHT = layers(100.5, 1.0, 1.0, 1.0), layers(99.5, 1.0, 1.0, 1.0)


def test_a_first_gradient_out_of_proportion_twice_in_a_row():
    rule = ExplodingGradient()
    assert rule.on_step(EXPLODING) == []
    finding = the_finding(rule, EXPLODING)
    assert finding.severity is WARNING
    assert "the first layer's gradient is 1.0e+02 times the last layer's" in finding.text
    assert "start smaller, clip it, or normalise" in finding.text
    assert rule.on_step(EXPLODING) == []  # it has been said


def test_once_is_no_proof():
    rule = ExplodingGradient()
    assert [rule.on_step(each) for each in (EXPLODING, RIGHT, EXPLODING)] == [[], [], []]


def test_gradients_in_proportion_are_right():
    rule = ExplodingGradient()
    assert [rule.on_step(RIGHT) for _ in range(3)] == [[], [], []]


@pytest.mark.parametrize(
    "shallow",
    [
        layers(200.0, 1.0, 1.0),
        layers(200.0, 1.0, 1.0, 1.0, shape=(2,)),  # biases
        layers(NAN, 1.0, 1.0, 1.0),
        step(),
    ],
)
def test_fewer_than_four_matrices_are_not_deep_and_nan_is_left_to_another_rule(shallow):
    assert ExplodingGradient().on_step(shallow) is NOTHING_TO_CHECK
