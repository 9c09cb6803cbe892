from dataclasses import replace

import numpy as np
import pytest
from hand_made import leaf, look, mean, node, sample, step, the_finding, update

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.frozen_statistics import FrozenStatistics


def network(running_mean, gradient=True, **settings):
    weight = leaf("body_weight", shape=(3, 2), parameter=gradient)
    body = node("FullyConnected", leaf("data", shape=(4, 2)), weight, shape=(4, 3))
    parts = {"gamma": 1, "beta": 0, "running_mean": running_mean, "running_var": 1}
    norm = node(
        "BatchNorm",
        body,
        *(leaf(f"bn_{n}", np.full(3, v)) for n, v in parts.items()),
        shape=(4, 3),
        **settings,
    )
    head = leaf("head_weight", shape=(2, 3), parameter=True)
    return look(mean(node("FullyConnected", norm, head, shape=(4, 2))))


def trained(*updated, **settings):
    return step(network(0.1, **settings), *updated)


def test_statistics_that_move_behind_a_frozen_layer():
    rule = FrozenStatistics()
    assert rule.on_step(trained(update("head_weight"))) == []
    finding = the_finding(rule, trained(update("head_weight")))
    assert finding.severity is WARNING
    assert "bn_running_mean goes on moving" in finding.text


def test_a_network_that_rests_on_another_ones_steps_is_not_frozen():
    rule = FrozenStatistics()
    turns = [trained(update("head_weight")), trained(update("body_weight"))] * 3
    assert [rule.on_step(each) for each in turns] == [[]] * 6


def test_a_rate_of_0_is_frozen_too():
    still = sample("body_weight", before=[1.0], learning_rate=0.0)
    rule, frozen = FrozenStatistics(), trained(update("head_weight"), update("body_weight"), still)
    assert rule.on_step(frozen) == []
    assert "bn_running_mean" in the_finding(rule, frozen).text


@pytest.mark.parametrize("layer", ["body_weight", "bn_gamma", "bn_beta"])
def test_a_layer_that_is_trained_may_move_them(layer):
    assert FrozenStatistics().on_step(trained(update("head_weight"), update(layer))) == []


def test_statistics_that_are_only_used_are_right():
    assert FrozenStatistics().on_step(trained(update("head_weight"), use_global_stats=True)) == []


def test_in_prediction_mode_they_stay():
    predicted = replace(network(0.1), training=False)
    assert FrozenStatistics().on_step(step(predicted, update("head_weight"))) is NOTHING_TO_CHECK


def test_without_gradient_the_backward_pass_that_writes_them_is_left_out():
    fixed = step(network(0.1, gradient=False), update("head_weight"))
    assert FrozenStatistics().on_step(fixed) == []
