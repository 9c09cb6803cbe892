"""What a file holds and what a neuron's value depends on; the verdict follows its criterion."""

import numpy as np
import pytest

from mx_notes import models
from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.claims import neuron_weights
from mx_notes.notes.claims.neuron_weights import MODEL, SHAPE, load, neurons, save, strange_arrays, verdict
from mx_notes.notes.lab import small_training, splits
from mx_notes.runtime import mx


@pytest.fixture(scope="module")
def evidence():
    return neuron_weights.measure(Setting(quick=True))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    net = models.build(MODEL, 10, SHAPE)
    small_training.train(net, splits.digits(1).fewer(64), epochs=1, seed=1)
    return net, save(net, tmp_path_factory.mktemp("saved"))


def test_one_file_gives_one_network(evidence):
    compared = evidence.numbers["neurons_that_differ"]
    assert compared["two networks from one file, same image"] == 0  # the same bits
    assert compared["other images beside it, inference"] == 0
    assert compared["other images beside it, training mode"] > 0
    assert compared["same network, another image"] > 0


def test_only_the_running_statistics_change_at_a_rate_of_zero(evidence):
    symbol = models.logits_symbol(models.build(MODEL, 10, SHAPE))
    assert evidence.numbers["changed_at_learning_rate_0"] == sorted(symbol.list_auxiliary_states())


def test_the_kinds_are_all_that_is_saved(evidence, saved):
    _, file = saved
    assert sum(evidence.numbers["arrays_by_kind"].values()) == len(mx.nd.load(str(file)))
    held = sum(array.size for array in mx.nd.load(str(file)).values())
    assert sum(evidence.numbers["values_by_kind"].values()) == held


def test_files_hold_the_network_and_nothing_else(saved):
    net, file = saved
    assert strange_arrays(net, file) == 0


def test_an_array_too_many_or_another_value_is_noticed(saved):
    net, file = saved
    other = file.parent / "module-0000.params"
    arrays = mx.nd.load(str(other))
    mx.nd.save(str(other), arrays | {"arg:neuron": mx.nd.ones(3)})
    assert strange_arrays(net, file) == 1
    name = next(iter(arrays))
    mx.nd.save(str(other), arrays | {name: arrays[name] + 1})
    assert strange_arrays(net, file) == 1
    mx.nd.save(str(other), arrays)


def test_neurons_end_in_the_scores(saved):
    net, file = saved
    images = splits.digits(1).test_images[:5]
    values = neurons(load(file), images)
    # The same network, once part by part and once as one compiled graph: float32 rounding apart.
    np.testing.assert_allclose(values[-1], net(mx.nd.array(images)).asnumpy(), rtol=1e-4, atol=1e-4)


def test_planted_effects_decide_the_verdict():
    assert verdict(0.0, 0.99, 0, 42)[0] is Verdict.CORRECTED
    assert verdict(0.0, 0.99, 0, 0)[0] is Verdict.CONFIRMED
    assert verdict(0.01, 0.99, 0, 42)[0] is Verdict.REFUTED
    assert verdict(0.0, 0.2, 0, 42)[0] is Verdict.REFUTED
    assert verdict(0.0, 0.99, 1, 42)[0] is Verdict.REFUTED
