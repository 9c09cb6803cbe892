"""The derivative check on real backward passes: right ones are left in peace, wrong ones found, with or without a list."""

import numpy as np
import pytest

from mx_notes import audit
from mx_notes.audit.rules import loss_derivative
from mx_notes.runtime import mx

nn, rnn = mx.gluon.nn, mx.gluon.rnn


def network(*layers, hybrid=False):
    net = nn.HybridSequential() if hybrid else nn.Sequential()
    net.add(*layers)
    net.initialize(mx.init.Xavier())
    return net


def trained(net, shape=(8, 6), adds=False, hybrid=False):
    """The findings about derivatives, and what was judged of each pass."""
    mx.random.seed(1)
    data, label = mx.nd.random.normal(shape=(2, *shape)), mx.nd.arange(shape[0]) % 3
    net(data[0])
    if hybrid:
        net.hybridize()
    if adds:
        net.collect_params().setattr("grad_req", "add")
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    judged = []
    with audit() as watch:
        watch.recorder.now._judges.insert(0, lambda step: judged.extend(step.derivatives))
        for batch in data:
            with mx.autograd.record():
                loss = loss_of(net(batch), label)
            loss.backward()
            trainer.step(shape[0])
            if adds:
                net.collect_params().zero_grad()
    return [f for f in watch.findings if f.rule == "loss-derivative"], judged


class Wrong(mx.autograd.Function):
    def forward(self, x):
        self.save_for_backward(x)
        return x * x

    def backward(self, dy):
        (x,) = self.saved_tensors
        return 3 * x * dy


class Apply(mx.gluon.Block):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function()(x)


RIGHT = {
    "dense": lambda: network(nn.Dense(8, activation="relu"), nn.Dense(3)),
    "hybridised": lambda: network(nn.Dense(8, activation="tanh"), nn.Dense(3), hybrid=True),
    "batch norm": lambda: network(nn.Dense(8), nn.BatchNorm(), nn.Activation("sigmoid"), nn.Dense(3)),
    "layer norm": lambda: network(nn.Dense(8), nn.LayerNorm(), nn.GELU(), nn.Dense(3)),
    "embedding": lambda: network(nn.Embedding(9, 4), nn.Dense(3)),
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("adds", [False, True])
def test_right_gradients_are_judged_and_right(name, adds):
    findings, judged = trained(RIGHT[name](), adds=adds, hybrid=name == "hybridised")
    assert not findings, findings
    assert [bool(each.parameters) for each in judged] == [True, True], judged


def test_convolutions_and_pooling():
    layers = nn.Conv2D(4, 3, padding=1), nn.BatchNorm(), nn.Activation("relu"), nn.MaxPool2D(), nn.Dense(3)
    findings, judged = trained(network(*layers), shape=(8, 2, 6, 6))
    assert not findings and judged[0].parameters


@pytest.mark.parametrize("hybrid", [False, True])
def test_an_operator_of_mxnets_that_is_wrong_is_found_though_it_is_in_no_list(hybrid, monkeypatch):
    monkeypatch.setattr(loss_derivative, "known_faults", lambda: ())
    net = network(nn.Dense(8), nn.SELU(), nn.Dense(3), hybrid=True)
    (finding,), _ = trained(net, hybrid=hybrid)
    assert "LeakyReLU" in finding.message and finding.severity.value == "error"


def test_a_bias_whose_weight_is_frozen():
    net = network(nn.Dense(8), nn.Dense(3))
    net.collect_params(".*weight").setattr("grad_req", "null")
    (finding, *_), _ = trained(net)
    assert "FullyConnected" in finding.message and "bias" in finding.message


def test_a_hand_written_backward_that_is_wrong_is_a_warning():
    (finding,), _ = trained(network(nn.Dense(8), Apply(Wrong), nn.Dense(3)))
    assert "the backward pass of Wrong, written by hand" in finding.message
    assert finding.severity.value == "warning"


class Noisy(mx.autograd.Function):
    def forward(self, x):
        return x + mx.nd.random.normal(shape=x.shape)

    def backward(self, dy):
        return dy


@pytest.mark.parametrize("layer", [lambda: nn.Dropout(0.5), lambda: Apply(Noisy)])
def test_random_numbers_are_not_drawn_again(layer):
    numbers = {}
    for checked in (False, True):
        mx.random.seed(7)
        net = network(nn.Dense(8, in_units=6), layer(), nn.Dense(3, in_units=8))
        if checked:
            findings, judged = trained(net)
            assert not findings and all(each.left for each in judged)
        else:
            trained_without(net)
        numbers[checked] = net[0].weight.data().asnumpy()
    assert np.array_equal(numbers[False], numbers[True])


def trained_without(net):
    mx.random.seed(1)
    data, label = mx.nd.random.normal(shape=(2, 8, 6)), mx.nd.arange(8) % 3
    net(data[0])
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    for batch in data:
        with mx.autograd.record():
            loss = loss_of(net(batch), label)
        loss.backward()
        trainer.step(8)
