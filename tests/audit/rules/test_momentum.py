"""The rule momentum: SGD's update, recomputed from small numbers."""

import numpy as np
import pytest
from hand_made import leaf, look, node, sample, step, the_finding, update

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.momentum import Momentum
from mx_notes.runtime import mx

START, GRADIENT, V = [1.0, 2.0], [1.0, -1.0], [0.5, 0.5]
SETTINGS = {"learning_rate": 0.1, "momentum": 0.9}


def sgd(after, before=START, gradient=GRADIENT, **more):
    """An update by SGD, of a rate of 0.1 and a momentum of 0.9."""
    return sample("fc_weight", before=before, after=after, gradient=gradient, **SETTINGS | more)


def velocity(values=V, **more):
    return mx.nd.array(values, **more)


def holds(*samples):
    return Momentum().on_step(step(*samples)) == []


def finding_in(*samples):
    finding = the_finding(Momentum(), step(*samples))
    assert finding.severity is ERROR
    return finding.text


def test_v_is_0_at_first():
    assert holds(sgd(after=[0.9, 2.1]))


def test_v_moves_the_weight_on():
    assert holds(sgd(after=[1.0 + 0.45 - 0.1, 2.0 + 0.45 + 0.1], state=velocity()))


def test_an_update_that_forgets_v():
    text = finding_in(sgd(after=[0.9, 2.1], state=velocity()))
    assert "the update of fc_weight is not v = 0.9 v - lr (g + wd w), w = w + v" in text
    assert "off by 0.45 where the weight had to move by 0.55" in text


def test_weight_decay_is_a_part_of_the_gradient():
    assert holds(sgd(after=[0.9 - 0.1 * 0.2, 2.1 - 0.1 * 0.4], weight_decay=0.2))
    assert "off by" in finding_in(sgd(after=[0.9 - 0.2 * 0.2, 2.1 - 0.2 * 0.4], weight_decay=0.2))


def test_the_gradient_is_rescaled_and_then_clipped():
    large = {"gradient": [40.0, -4.0], "rescale": 1 / 4, "clip": 5.0}
    assert holds(sgd(after=[1.0 - 0.5, 2.0 + 0.1], **large))
    assert finding_in(sgd(after=[1.0 - 0.125, 2.0 + 0.1], **large))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_master_copy_takes_the_update(dtype):
    state = velocity(), velocity(START)
    assert holds(sgd(after=[1.35, 2.55], state=state, dtype=dtype))
    assert finding_in(sgd(after=[0.9, 2.1], state=state, dtype=dtype))


@pytest.mark.parametrize(
    ("before", "off", "dtype", "right"),
    [
        (1.0, 5e-6, "float32", True),
        (1.0, 2e-5, "float32", False),
        (1e4, 5e-3, "float32", True),
        (1e4, 2e-2, "float32", False),
        (1.0, 5e-4, "float16", True),
        (1.0, 2e-3, "float16", False),
    ],
)
def test_rounding_is_no_fault(before, off, dtype, right):
    seen = sgd(before=[before], after=[before - 0.1 + off], gradient=[1.0], dtype=dtype)
    assert (Momentum().on_step(step(seen)) == []) == right


def test_one_of_several_parameters_is_named():
    right, wrong = sgd(after=[0.9, 2.1]), sgd(after=[0.8, 2.1])
    wrong.name = "fc_bias"
    assert "the update of fc_bias" in finding_in(right, wrong)


# An optimiser that keeps v elsewhere


FIRST = sgd(before=[1.0], after=[0.9], gradient=[1.0])
REMEMBERING = sgd(before=[0.9], after=[0.9 - 0.09 - 0.1], gradient=[1.0])
FORGETTING = sgd(before=[0.9], after=[0.9 - 0.1], gradient=[1.0])


def after_first():
    rule = Momentum()
    assert rule.on_step(step(FIRST, number=1)) == []
    return rule


def test_the_last_movement_is_v_wherever_it_is_kept():
    assert after_first().on_step(step(REMEMBERING, number=2)) == []
    assert "off by 0.09" in the_finding(after_first(), step(FORGETTING, number=2)).text


def test_the_last_movement_must_be_of_the_step_before():
    assert after_first().on_step(step(FORGETTING, number=3)) == []


def test_weights_that_were_written_in_between_have_lost_their_movement():
    elsewhere = sgd(before=[0.5], after=[0.4], gradient=[1.0])
    assert after_first().on_step(step(elsewhere, number=2)) == []


def test_a_state_made_anew_is_left_to_another_rule():
    anew = update("fc_weight", fresh_state=True)
    assert after_first().on_step(step(FORGETTING, anew, number=2)) == []


def test_a_float16_weight_moves_by_too_few_digits_to_tell_v():
    rule = Momentum()
    first, second = (
        sgd(before=[w], after=[w - 0.125], gradient=[1.25], dtype="float16") for w in (1.0, 0.875)
    )
    assert [rule.on_step(step(seen, number=n)) for n, seen in enumerate((first, second), 1)] == [[], []]


def test_each_device_has_a_movement_of_its_own():
    other = sgd(before=[0.9], after=[0.8], gradient=[1.0], device=1)
    assert after_first().on_step(step(other, number=2)) == []


# Whose updates are judged


class Own(mx.optimizer.SGD):
    """Somebody's own."""


def test_an_optimiser_derived_from_sgd_is_held_to_its_word():
    assert finding_in(sgd(after=[0.9, 2.1], state=velocity(), optimizer=Own()))


@pytest.mark.parametrize("optimizer", [mx.optimizer.NAG(), mx.optimizer.Adam(), mx.optimizer.LBSGD()])
def test_other_optimisers_promise_other_updates(optimizer):
    assert Momentum().on_step(step(sgd(after=[7.0, 7.0], optimizer=optimizer))) is NOTHING_TO_CHECK


@pytest.mark.parametrize(("fixed", "answer"), [(True, NOTHING_TO_CHECK), (False, [])])
def test_a_gamma_that_is_held_at_1_is_set_back_whatever_the_update(fixed, answer):
    gamma = leaf("fc_weight", shape=(2,), parameter=True)
    norm = node("BatchNorm", leaf("data", shape=(4, 2)), gamma, shape=(4, 2), fix_gamma=fixed)
    seen = step(look(norm), sgd(after=[0.9, 2.1]))
    assert Momentum().on_step(seen) == answer


@pytest.mark.parametrize("lost", [{"after": [np.nan, 2.1]}, {"after": [0.9, 2.1], "gradient": [np.inf, 1.0]}])
def test_what_is_not_finite_is_left_to_another_rule(lost):
    assert holds(sgd(**lost))


def test_a_step_without_samples_has_nothing_to_check():
    assert Momentum().on_step(step(update())) is NOTHING_TO_CHECK
