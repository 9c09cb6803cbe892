"""The rule frozen-parameter, which looks on at every step and speaks at the end."""

import numpy as np
import pytest
from hand_made import (
    buffer,
    dense,
    facts,
    leaf,
    look,
    mean,
    node,
    relu,
    sample,
    softmax_loss,
    step,
    the_finding,
    update,
)

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.frozen_parameter import FrozenParameter
from mx_notes.audit.trace.ledger import Pass
from mx_notes.audit.trace.step import Look
from mx_notes.runtime import mx

TRUNK, HEAD = 11, 12  # handles of the weights of two layers


def after(*seen, steps=5):
    """The rule after some steps in each of which this was seen; graphs in the first of them."""
    rule, later = FrozenParameter(), [each for each in seen if not isinstance(each, Look)]
    for number in range(1, steps + 1):
        assert rule.on_step(step(*(seen if number == 1 else later), number=number)) == []
    return rule


def written(name="body_weight", steps=5, **more):
    """A gradient that a backward pass wrote in each of the steps."""
    return buffer(name, **{"ever": steps, "idle": steps, "passes": steps, "since": 1, "latest": steps} | more)


HEAD_TRAINED = update("head_weight", buffer=buffer("head_weight", weight=HEAD))
TRUNK_TRAINED = update("trunk_weight", buffer=buffer("trunk_weight", weight=TRUNK))


# Never updated


def test_a_parameter_that_received_gradient_and_was_never_updated():
    finding = the_finding(after(HEAD_TRAINED), facts(written(since=2)))
    assert finding.severity is ERROR
    assert "body_weight received gradient and was never updated" in finding.text
    assert "hand it to the optimiser, or set its grad_req to 'null'" in finding.text
    assert finding.step == 2  # from which on it was so


def test_of_many_parameters_three_are_named():
    frozen = [written(name, since=since) for name, since in zip("abcd", (4, 2, 3, 3), strict=True)]
    finding = the_finding(after(HEAD_TRAINED), facts(*frozen))
    assert "a, b, c and 1 more" in finding.text
    assert finding.step == 2


def test_a_parameter_that_is_gone_at_the_end_was_frozen_all_the_same():
    assert the_finding(after(HEAD_TRAINED), facts(departed=[written()]))


def test_parameters_that_are_updated_are_right():
    assert after(HEAD_TRAINED).at_end(facts(written("head_weight", updates=5, updated=5, idle=0))) == []


def test_another_copy_of_an_updated_parameter_is_right():
    """Such as the copy of another device, which takes the values over."""
    assert after(HEAD_TRAINED, steps=20).at_end(facts(written("head_weight", steps=20))) == []


@pytest.mark.parametrize(
    "few",
    [
        {"ever": 2},  # backward passes
        {"idle": 1},  # steps
        {"idle": 2, "latest": 6},  # of which the last has not ended
    ],
)
def test_a_gradient_or_two_are_no_training(few):
    assert after(HEAD_TRAINED).at_end(facts(written(**few))) == []


def test_three_gradients_in_two_steps_are_training():
    assert the_finding(after(HEAD_TRAINED), facts(written(ever=3, idle=2)))


def test_an_array_that_is_filled_again_and_again_is_data():
    assert after(HEAD_TRAINED).at_end(facts(written(fed=2))) == []
    assert the_finding(after(HEAD_TRAINED), facts(written(fed=1)))  # with its first values


def test_a_variable_without_a_name_is_a_parameter_where_updates_are_by_hand():
    by_hand = update("variable 1", optimizer=None)
    variable = written("variable 2", is_parameter=False)
    assert "variable 2" in the_finding(after(by_hand), facts(variable)).text
    assert after(by_hand).at_end(facts(written("variable 2", is_parameter=False, fed=1))) == []
    assert after(HEAD_TRAINED).at_end(facts(variable)) == []


# Whether it may be meant


def network(trunk=TRUNK, head=HEAD, **how):
    """A trunk and a head, each with a weight."""
    hidden = relu(dense(leaf("data", shape=(4, 8)), 5, name="trunk", handle=trunk))
    return look(softmax_loss(dense(hidden, name="head", handle=head), [0, 1, 2, 0]), **how)


def test_a_trunk_under_a_trained_head_is_forgotten():
    finding = the_finding(after(network(), HEAD_TRAINED), facts(written("trunk_weight", weight=TRUNK)))
    assert finding.severity is ERROR


def test_a_head_on_a_trained_trunk_may_be_of_a_network_of_its_own():
    finding = the_finding(after(network(), TRUNK_TRAINED), facts(written("head_weight", weight=HEAD)))
    assert finding.severity is WARNING
    assert "head_weight, of a network of its own, received gradient and was never updated" in finding.text
    assert "if it is to stay as it is, set its grad_req to 'null'" in finding.text
    assert finding.step == 1


def test_a_network_of_its_own_that_was_given_values_is_right():
    assert after(network(), TRUNK_TRAINED).at_end(facts(written("head_weight", weight=HEAD, fed=1))) == []


def test_a_variable_without_a_name_has_no_network_of_its_own():
    by_hand = update("variable 1", buffer=buffer(weight=TRUNK), optimizer=None)
    head = written("variable 2", weight=HEAD, is_parameter=False)
    assert the_finding(after(network(), by_hand), facts(head)).severity is ERROR


def test_a_module_is_one_network():
    bound = network(trunk=0, head=0, executor=True)  # its parameters are told by their names
    for trained in (TRUNK_TRAINED, update("trunk_weight", buffer=None)):
        assert the_finding(after(bound, trained), facts(written("head_weight"))).severity is ERROR


class Own(mx.gluon.Block):
    """Somebody's own layer, which asks its scope for a parameter and keeps it nowhere else."""

    def __init__(self):
        super().__init__()
        self.params.get("weight", shape=(3, 5))


@pytest.mark.parametrize("head", [lambda: mx.gluon.nn.Dense(3, in_units=5, use_bias=False), Own])
@pytest.mark.parametrize(("in_one", "severity"), [(True, ERROR), (False, WARNING)])
def test_a_gluon_network_is_one_network(in_one, severity, head):
    trunk, head = mx.gluon.nn.Dense(5, in_units=8), head()
    both = mx.gluon.nn.Sequential()
    if in_one:
        both.add(trunk, head)
    handles = {}
    for name, layer in (("trunk", trunk), ("head", head)):
        layer.initialize()
        weight, *_ = layer.collect_params().values()
        handles[name] = weight.data().handle.value
    trained = update("trunk_weight", buffer=buffer("trunk_weight", weight=handles["trunk"]))
    rule = after(network(**handles), trained)
    finding = the_finding(rule, facts(written("head_weight", weight=handles["head"])))
    assert finding.severity is severity


@pytest.mark.parametrize("executor", [True, False])
def test_a_network_whose_input_is_optimised_is_to_stay_as_it_is(executor):
    image, trunk, head = (0, 0, 0) if executor else (13, TRUNK, HEAD)  # executors know names only
    pixels = leaf("image", shape=(1, 8), parameter=True, handle=image)
    hidden = relu(dense(pixels, 5, name="trunk", handle=trunk))
    seen = look(softmax_loss(dense(hidden, name="head", handle=head), [2]), executor=executor)
    rule = after(seen, update("image", buffer=buffer("image", weight=13)))
    fixed = written("trunk_weight", weight=TRUNK), written("head_weight", weight=HEAD)
    assert rule.at_end(facts(*fixed)) == []


@pytest.mark.parametrize(
    ("op", "shape", "severity"),
    [
        ("broadcast_mul", (3,), WARNING),  # a temperature, which is no layer
        ("broadcast_mul", (4, 3), ERROR),
        ("BatchNorm", (3,), ERROR),
    ],
)
def test_a_trained_layer_behind_it_makes_a_network_a_part(op, shape, severity):
    trained = leaf("trained", shape=shape, parameter=True, handle=13)
    scores = dense(leaf("data", shape=(4, 8)), name="head", handle=HEAD)
    seen = look(mean(node(op, scores, trained, shape=(4, 3))))
    rule = after(seen, update("trained", buffer=buffer("trained", weight=13)))
    assert the_finding(rule, facts(written("head_weight", weight=HEAD))).severity is severity


def test_a_pass_that_reaches_nothing_trained_excuses_nothing():
    seen = look(mean(dense(leaf("data", shape=(4, 8)), handle=HEAD)))
    rule = after(seen, TRUNK_TRAINED)
    assert the_finding(rule, facts(written("head_weight", weight=HEAD))).severity is ERROR


def test_a_weight_that_is_cast_before_its_layer_is_a_weight():
    hidden = dense(leaf("data", shape=(4, 8)), 5, name="trunk", handle=TRUNK)
    cast = node("amp_cast", leaf("head_weight", shape=(3, 5), parameter=True, handle=HEAD), shape=(3, 5))
    seen = look(mean(node("FullyConnected", hidden, cast, shape=(4, 3))))
    rule = after(seen, HEAD_TRAINED)
    assert the_finding(rule, facts(written("trunk_weight", weight=TRUNK))).severity is ERROR


DATA = leaf("data", shape=(8, 8))
FIXED = leaf("fixed", shape=(8, 8), parameter=True, handle=TRUNK)
TRAINED = leaf("trained", shape=(8, 8), parameter=True, handle=HEAD)


def dot(left, right):
    return node("dot", left, right, shape=(8, 8))


@pytest.mark.parametrize(
    ("product", "severity"),
    [
        (dot(TRAINED, FIXED), None),  # an image times a fixed weight
        (dot(dot(TRAINED, DATA), FIXED), WARNING),  # a weight on the left of its data
        (dot(dot(DATA, TRAINED), FIXED), WARNING),
        (dot(dot(DATA, FIXED), TRAINED), ERROR),
    ],
)
def test_products_by_hand_are_layers(product, severity):
    rule = after(look(mean(product)), update("trained", buffer=buffer("trained", weight=HEAD)))
    found = rule.at_end(facts(written("fixed", weight=TRUNK)))
    assert [message.severity or rule.severity for message in found] == ([severity] if severity else [])


@pytest.mark.parametrize("order", [1, -1])
def test_a_parameter_that_one_of_two_passes_forgets_is_forgotten(order):
    the_head_below = dense(dense(leaf("data", shape=(4, 5)), 5, handle=HEAD), handle=TRUNK)
    passes = [network(), look(mean(the_head_below))][::order]
    rule = after(*passes, TRUNK_TRAINED)
    assert the_finding(rule, facts(written("head_weight", weight=HEAD))).severity is ERROR


# No longer updated


def stopped(**more):
    return written("head_weight", **{"updates": 2, "updated": 2, "idle": 13} | more)


def test_a_parameter_that_is_no_longer_updated():
    finding = the_finding(after(HEAD_TRAINED, steps=15), facts(stopped(), stopped(updated=4)))
    assert finding.severity is ERROR
    assert "head_weight went on to receive gradient, and was not updated any more" in finding.text
    assert finding.step == 3


@pytest.mark.parametrize(("passes", "idle"), [(1, 12), (4, 24)])
def test_a_parameter_may_miss_some_updates_of_others(passes, idle):
    accumulating = update("head_weight", passes=passes)
    assert after(accumulating).at_end(facts(stopped(idle=idle))) == []
    assert the_finding(after(accumulating), facts(stopped(idle=idle + 1)))


def unused(**more):
    """Many backward passes, since the last update of all."""
    return stopped(**{"idle": 1, "passes": 13, "last": Pass(30)} | more)


def test_many_backward_passes_of_which_nothing_came():
    assert "not updated any more" in the_finding(after(HEAD_TRAINED), facts(unused())).text


@pytest.mark.parametrize(
    "more", [{"passes": 12}, {"last": Pass(30, consumed=True)}, {"last": Pass(30, training=False)}]
)
def test_backward_passes_whose_gradients_are_read_are_no_training(more):
    assert after(HEAD_TRAINED).at_end(facts(unused(**more))) == []


def test_a_network_that_may_rest_may_also_stop():
    rule = after(network(), TRUNK_TRAINED)
    assert rule.at_end(facts(stopped(weight=HEAD))) == []
    assert the_finding(rule, facts(stopped(weight=77)))


# Updated, and unchanged


def moved(name, by=0.0, shape=(1, 2), rate=0.1, gradient=None):
    gradient = [0.0, by] if gradient is None else gradient
    before, after = [1.0, 2.0], [1.0, 2.0 + by]
    return sample(name, before=before, after=after, gradient=gradient, shape=shape, learning_rate=rate)


def test_no_parameter_ever_changed():
    finding = the_finding(after(moved("fc_weight"), moved("fc_bias", shape=(2,)), steps=3), facts())
    assert finding.severity is ERROR
    assert "no parameter ever changed: the gradient of fc_weight, fc_bias is zero" in finding.text
    assert finding.step == 1


def test_a_matrix_that_never_changed_while_others_did():
    finding = the_finding(after(moved("fc_weight"), moved("head_weight", by=0.1)), facts())
    assert finding.severity is WARNING
    assert "fc_weight was updated but never changed: its gradient is zero" in finding.text
    assert finding.step == 1


def test_weight_decay_hides_no_gradient_of_zero():
    finding = the_finding(after(moved("fc_weight", by=-0.1, gradient=[0.0, 0.0])), facts())
    assert finding.severity is ERROR
    assert "no gradient ever reached fc_weight: it moves by weight decay alone" in finding.text


def test_an_update_that_is_lost_in_rounding():
    finding = the_finding(after(moved("fc_weight", gradient=[1e-9, 0.0]), moved("head", by=0.1)), facts())
    assert finding.severity is WARNING
    assert "fc_weight was updated but never changed, though it has gradient" in finding.text


@pytest.mark.parametrize("flat", ["BlockGrad", "argmax", "_not_equal_scalar", "_npi_sign"])
def test_the_operator_is_named_that_lets_no_gradient_through(flat):
    layer = dense(leaf("data", shape=(4, 2)), name="fc")
    seen = look(mean(node(flat, layer, shape=(4, 3), scalar=1.0)))
    rule = FrozenParameter()
    for number in (1, 2, 3):
        rule.on_step(step(seen, moved("fc_weight"), number=number))
    finding = the_finding(rule, facts())
    assert finding.severity is ERROR
    assert finding.text.endswith(f"; {flat} lets none through")


def test_a_head_whose_losses_are_masked_has_nothing_to_learn_in_this_batch():
    first, second = (dense(leaf("data", shape=(4, 2)), name=name) for name in ("fc", "head"))
    masked = node("broadcast_mul", second, leaf("mask", np.zeros((4, 1))), shape=(4, 3))
    rule = FrozenParameter()
    for number in (1, 2, 3):
        both = look(mean(node("broadcast_add", first, masked, shape=(4, 3))))
        rule.on_step(step(both, moved("fc_weight", by=0.1), moved("head_weight"), number=number))
    assert rule.at_end(facts()) == []


def test_a_vector_may_rest():
    assert after(moved("fc_bias", shape=(2,)), moved("fc_weight", by=0.1)).at_end(facts()) == []


def test_one_change_is_enough():
    rule = after(moved("fc_weight"), moved("head_weight", by=0.1))
    rule.on_step(step(moved("fc_weight", by=0.1), number=6))
    assert rule.at_end(facts()) == []


def test_a_rate_of_0_is_to_change_nothing():
    assert after(moved("fc_weight", rate=0.0)).at_end(facts()) == []


def test_two_steps_are_too_few_to_tell():
    assert after(moved("fc_weight"), steps=2).at_end(facts()) == []


def test_what_is_not_finite_is_left_to_another_rule():
    lost = sample("fc_weight", before=[float("nan")], shape=(1, 1), learning_rate=0.1)
    assert after(moved("head_weight"), lost).at_end(facts()) == []


# Handed to an optimiser, and without gradient


def idle(name="extra_weight", **more):
    return buffer(name, **more)


def test_a_parameter_that_nothing_leads_to():
    finding = the_finding(after(HEAD_TRAINED), facts(idle(), handed=["extra_weight", "head_weight"]))
    assert finding.severity is WARNING
    assert "the optimiser has extra_weight, which never received gradient" in finding.text
    assert "nothing leads to the loss" in finding.text


def test_a_parameter_that_nothing_leads_to_may_have_been_given_its_first_values():
    assert the_finding(after(HEAD_TRAINED), facts(idle(fed=1), handed=["extra_weight"]))


@pytest.mark.parametrize(
    "more", [{"ever": 1}, {"updates": 1}, {"fed": 2}, {"is_parameter": False}, {"name": "of nobody"}]
)
def test_a_parameter_that_took_part_is_right(more):
    assert after(HEAD_TRAINED).at_end(facts(idle(**more), handed=["extra_weight"])) == []


def test_a_parameter_that_was_updated_on_another_device_is_right():
    assert after(HEAD_TRAINED).at_end(facts(idle("head_weight"), handed=["head_weight"])) == []


def test_several_faults_are_several_findings():
    rule = after(HEAD_TRAINED, moved("fc_weight"), steps=15)
    found = rule.at_end(facts(written(), stopped(), idle(), handed=["extra_weight"]))
    assert [message.severity or rule.severity for message in found] == [ERROR, ERROR, ERROR, WARNING]


def test_a_run_without_a_step_has_nothing_to_check():
    assert FrozenParameter().at_end(facts(written(), steps=0)) is NOTHING_TO_CHECK
