import numpy as np
import pytest
from hand_made import dense, leaf, look, node, softmax_loss, step, the_finding

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.input_scale import InputScale

DRAW = np.random.default_rng(1)
DRAWN = DRAW.normal(size=(4, 8))
NORMAL = (DRAWN - DRAWN.mean()) / DRAWN.std()
PIXELS = DRAW.uniform(0, 255, size=(4, 8)).astype(np.float32)


def fed(values):
    return step(look(dense(leaf("data", values))))


@pytest.mark.parametrize(
    "values",
    [
        PIXELS,
        PIXELS.astype(np.uint8),
        20.5 * NORMAL,
        10 * NORMAL + 20.5,
        NORMAL / 10 + 1.01,  # too little variation around its mean
        NORMAL * 0.009,
    ],
)
def test_an_input_far_from_mean_0_and_variance_1(values):
    finding = the_finding(InputScale(), fed(values))
    assert finding.severity is WARNING
    assert f"the input has mean {values.mean():.3g} and standard deviation {values.std():.3g}" in finding.text
    assert "subtract the training data's mean, divide by its standard deviation" in finding.text


def test_a_constant_input():
    finding = the_finding(InputScale(), fed(np.full((4, 8), 0.5)))
    assert finding.severity is WARNING
    assert finding.text == "the input is constant (0.5): there is nothing to learn from"


def test_a_change_of_shape_before_the_first_layer_hides_nothing():
    flat = node("Flatten", leaf("data", PIXELS.reshape(4, 2, 4)), shape=(4, 8))
    assert the_finding(InputScale(), step(look(dense(flat))))


@pytest.mark.parametrize(
    "values",
    [
        NORMAL,
        DRAW.uniform(0, 1, size=(4, 8)),
        19.5 * NORMAL,
        10 * NORMAL + 19.5,
        NORMAL / 10 + 0.99,
        NORMAL * 0.011,
    ],
)
def test_an_input_about_0_and_1_is_right(values):
    assert InputScale().on_step(fed(values)) == []


def meeting_one_layer(*inputs):
    """Real and generated examples go through the same discriminator."""
    weight = leaf("weight", shape=(3, 8), parameter=True)
    scores = [node("FullyConnected", leaf("data", each), weight, shape=(4, 3)) for each in inputs]
    return step(look(node("elemwise_add", *scores, shape=(4, 3))))


def test_generated_examples_may_start_anywhere_where_the_real_ones_are_right():
    assert InputScale().on_step(meeting_one_layer(NORMAL, NORMAL / 1000)) == []
    assert the_finding(InputScale(), meeting_one_layer(PIXELS, NORMAL / 1000))


def test_one_of_two_inputs_with_layers_of_their_own():
    towers = [dense(leaf("data", each), name=name) for name, each in (("a", NORMAL), ("b", PIXELS))]
    assert the_finding(InputScale(), step(look(node("elemwise_add", *towers, shape=(4, 3)))))


def test_labels_are_no_input():
    loss = softmax_loss(dense(leaf("data", np.repeat(NORMAL, 8, axis=0))), labels=[100.0] * 32)
    assert InputScale().on_step(step(look(loss))) == []


def test_of_several_networks_the_first_is_looked_at():
    assert InputScale().on_step(step(look(dense(leaf("data", NORMAL))), look(dense(leaf("x", PIXELS))))) == []


WORDS = leaf("data", np.arange(32.0) * 10)


@pytest.mark.parametrize(
    "head",
    [
        dense(leaf("few", PIXELS[:3, :5])),
        dense(leaf("mask", DRAW.integers(0, 2, size=(4, 8)).astype(float))),
        dense(leaf("state", np.zeros((4, 8)))),
        dense(leaf("counts", PIXELS.astype(np.int32))),
        dense(leaf("too large to read", shape=(4, 8))),
        node("Embedding", WORDS, leaf("table", shape=(400, 8), parameter=True), shape=(32, 8)),
        node("exp", leaf("data", PIXELS)),  # meets no weights
    ],
)
def test_what_is_no_magnitude_is_not_judged(head):
    assert InputScale().on_step(step(look(head))) is NOTHING_TO_CHECK


def test_sixteen_values_are_enough():
    assert the_finding(InputScale(), fed(PIXELS[:2]))


def test_a_step_without_a_graph_is_not_judged():
    assert InputScale().on_step(step()) is NOTHING_TO_CHECK


@pytest.mark.parametrize("values", [DRAW.integers(0, 2, (4, 8)) * 255.0, np.full((4, 8), 7.0)])
def test_two_whole_values_are_a_mask_only_where_they_are_small(values):
    assert the_finding(InputScale(), fed(values))


def test_a_state_that_begins_as_zeros_is_no_input():
    rule = InputScale()
    assert rule.on_step(fed(np.zeros((4, 8)))) is NOTHING_TO_CHECK
    assert rule.on_step(fed(NORMAL * 0.005)) is NOTHING_TO_CHECK
