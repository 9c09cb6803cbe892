from itertools import pairwise

import pytest
from hand_made import buffer, dense, leaf, look, node, relu, step, the_finding, update

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.linear_collapse import LinearCollapse
from mx_notes.runtime import mx

DATA = leaf("data", shape=(4, 8))


def first_layer(handle=0):
    return dense(DATA, 5, name="first", handle=handle)


def second_layer(source, handle=0):
    return dense(source, name="second", handle=handle)


def between(op, **attributes):
    """Two dense layers with this operator between them."""
    return second_layer(node(op, first_layer(), shape=(4, 5), **attributes))


def finding_in(head, *updates):
    return the_finding(LinearCollapse(), step(look(head), *updates))


def holds(head, *updates):
    return LinearCollapse().on_step(step(look(head), *updates)) == []


def test_two_dense_layers_with_nothing_between_them():
    finding = finding_in(second_layer(first_layer()))
    assert finding.severity is WARNING
    assert finding.text.startswith("second (FullyConnected) follows first (FullyConnected)")
    assert "put an activation between them" in finding.text


def test_two_factors_make_a_layer_of_low_rank():
    assert holds(dense(dense(DATA, 2, name="first"), 16, name="second"))


def convolution(source, name, **attributes):
    weight = leaf(f"{name}_weight", shape=(8, 8, 3, 3), parameter=True)
    return node("Convolution", source, weight, shape=(4, 8, 6, 6), name=name, **attributes)


def test_a_convolution_before_a_dense_layer():
    flat = node("Flatten", convolution(leaf("data", shape=(4, 8, 8, 8)), "conv"), shape=(4, 288))
    assert "second (FullyConnected) follows conv (Convolution)" in finding_in(second_layer(flat)).text


@pytest.mark.parametrize(
    ("op", "attributes"), [("Dropout", {}), ("Flatten", {}), ("Pooling", {"pool_type": "avg"})]
)
def test_what_is_linear_itself_makes_no_difference(op, attributes):
    assert finding_in(between(op, **attributes))


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("Activation", {"act_type": "relu"}),
        ("Pooling", {"pool_type": "max"}),
        ("BatchNorm", {}),
        ("tanh", {}),
    ],
)
def test_something_non_linear_between_them_is_right(op, attributes):
    assert holds(between(op, **attributes))


def test_one_layer_alone_is_right():
    assert holds(first_layer())
    assert holds(relu(first_layer()))


def test_a_shortcut_from_between_the_two_is_right():
    first = first_layer()
    assert holds(node("elemwise_add", second_layer(first), relu(first), shape=(4, 3)))
    dropped = node("Dropout", first, shape=(4, 5))
    assert holds(node("elemwise_add", second_layer(dropped), relu(dropped), shape=(4, 3)))


def test_two_heads_on_one_linear_layer_collapse():
    first = first_layer()
    heads = [dense(first, name=name) for name in ("left", "right")]
    assert "left (FullyConnected)" in finding_in(node("elemwise_add", *heads, shape=(4, 3))).text


@pytest.mark.parametrize("grouped", ["depthwise", "pointwise"])
def test_a_grouped_convolution_is_less_than_a_linear_layer(grouped):
    groups = {grouped: 2}
    source = leaf("data", shape=(4, 8, 8, 8))
    for name in ("depthwise", "pointwise"):
        source = convolution(source, name, num_group=groups.get(name, 1))
    assert holds(source)


# Layers of two networks


def test_a_generator_and_a_discriminator_have_an_optimiser_each():
    head = second_layer(first_layer())
    first = update("first_weight", updater=1)
    assert finding_in(head, first, update("second_weight", updater=1))
    assert holds(head, first, update("second_weight", updater=2))
    assert holds(head, first)  # the second is not trained


def test_weights_of_gluon_are_told_by_their_arrays():
    head = second_layer(first_layer(handle=11), handle=12)
    one, same, other = (update(updater=n, buffer=buffer(weight=h)) for n, h in ((1, 11), (1, 12), (2, 12)))
    assert finding_in(head, one, same)
    assert holds(head, one, other)


def network(*units):
    """A Gluon network of dense layers, and the handles of their weights."""
    net = mx.gluon.nn.HybridSequential()
    for before, after in pairwise(units):
        net.add(mx.gluon.nn.Dense(after, in_units=before))
    net.initialize()
    return net, [layer.weight.data().handle.value for layer in net]


def test_two_networks_of_several_layers_may_meet_under_one_optimiser():
    (one, ones), (other, others), (third, _) = network(8, 8, 5), network(5, 5, 3), network(2, 2, 2)
    assert holds(second_layer(first_layer(ones[-1]), others[0]))
    assert finding_in(second_layer(first_layer(ones[0]), ones[1]))
    del one, other, third  # alive until here


def test_a_network_of_a_single_layer_is_a_part_of_the_other():
    (one, ones), (other, others) = network(8, 8, 5), network(5, 3)
    assert finding_in(second_layer(first_layer(ones[-1]), others[0]))
    del one, other


def test_without_a_linear_layer_there_is_nothing_to_check():
    assert LinearCollapse().on_step(step(look(relu(DATA)))) is NOTHING_TO_CHECK
    assert LinearCollapse().on_step(step()) is NOTHING_TO_CHECK
