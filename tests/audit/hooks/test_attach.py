"""The hooks of an audit: nothing is left behind, nothing is changed, nothing grows."""

import tracemalloc

import numpy as np
import pytest

from mx_notes import audit, training
from mx_notes.audit.hooks import attach as hooks
from mx_notes.audit.hooks.listener import Listener
from mx_notes.recipes import preset
from mx_notes.runtime import mx


def step(net, trainer, batch=16):
    with mx.autograd.record():
        loss = net(mx.nd.ones((batch, 4)) * mx.nd.arange(4)).sum()
    loss.backward()
    trainer.step(batch)


@pytest.fixture
def network():
    net = mx.gluon.nn.Dense(2, in_units=4)
    net.initialize(mx.init.Xavier())
    return net, mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01, "momentum": 0.9})


def test_every_patched_name_is_the_original_object_again_even_after_an_exception(network):
    with pytest.raises(ZeroDivisionError), audit():
        patched = {place: original for place, (original, _) in hooks._installed.items()}
        assert len(patched) > 30
        assert all(getattr(owner, name) is not original for (owner, name), original in patched.items())
        step(*network)
        raise ZeroDivisionError
    assert all(getattr(owner, name) is original for (owner, name), original in patched.items())


def test_a_nested_audit_sees_its_own_part_and_the_outer_one_all(network):
    with audit() as outer:
        step(*network)
        with audit() as inner:
            step(*network)
            step(*network)
        step(*network)
    assert (outer.number_of_steps, inner.number_of_steps) == (4, 2)
    assert outer.summary().calls == {key: {1: 4} for key in ("forward", "backward", "update")}
    assert inner.summary().calls == {key: {1: 2} for key in ("forward", "backward", "update")}


def test_an_audit_knows_nothing_of_the_one_before(network):
    net, trainer = network
    with audit() as first:
        trainer.step(16, ignore_stale_grad=True)
        trainer.step(16, ignore_stale_grad=True)
    with audit() as second:
        step(net, trainer)
    assert not second.errors
    assert (first.number_of_steps, second.number_of_steps) == (0, 1)


def test_what_happens_after_the_audit_is_not_in_it(network):
    with audit() as watch:
        step(*network)
    step(*network)
    assert watch.number_of_steps == 1


class Operators(Listener):
    def __init__(self):
        self.seen = []

    def operator_invoked(self, call):
        self.seen.append((call.name, call.attributes, len(call.inputs), len(call.outputs)))


def test_tensordot_which_goes_past_the_c_function_of_all_other_operators_is_told_like_them():
    operators, x, y = Operators(), mx.np.ones((2, 3)), mx.np.ones((3, 4))
    with hooks.attached(operators):
        mx.np.tensordot(x, y, ([1], [0]))
        mx.np.tensordot(x, y, (-1, 0))
        mx.np.tensordot(x, y, 1)
        with pytest.raises(mx.MXNetError):  # as without us
            mx.np.tensordot(x, x, 1)
    both = {"a_axes_summed": "(1,)", "b_axes_summed": "(0,)"}
    assert operators.seen == [
        ("_npi_tensordot", both, 2, 1),
        ("_npi_tensordot", both | {"a_axes_summed": "(-1,)"}, 2, 1),
        ("_npi_tensordot_int_axes", {"axes": "1"}, 2, 1),
    ]


def module_run() -> dict[str, np.ndarray]:
    run = training.start(preset("digits").override(["epochs=1"]))
    training.fit(run)
    arguments, auxiliary = run.module.get_params()
    return {name: array.asnumpy() for name, array in (arguments | auxiliary).items()}


def gluon_run() -> dict[str, np.ndarray]:
    training.seed_everything(3)
    net = mx.gluon.nn.HybridSequential(prefix="net_")
    with net.name_scope():
        net.add(
            mx.gluon.nn.Dense(16), mx.gluon.nn.BatchNorm(), mx.gluon.nn.Dropout(0.5), mx.gluon.nn.Dense(3)
        )
    net.initialize()
    net.hybridize()
    trainer = mx.gluon.Trainer(net.collect_params(), "adam")
    images, labels = mx.nd.random.normal(shape=(8, 32, 5)), mx.nd.arange(32) % 3
    for batch in images:
        with mx.autograd.record():
            loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()(net(batch), labels)
        loss.backward()
        trainer.step(32)
        mx.nd.waitall()
    return {name: parameter.data().asnumpy() for name, parameter in net.collect_params().items()}


@pytest.mark.parametrize("train", [module_run, gluon_run])
def test_training_is_the_same_bit_for_bit_with_and_without_the_audit(train):
    bare = train()
    with audit() as watch:
        audited = train()
    assert watch.number_of_steps > 5
    assert all((bare[name] == audited[name]).all() for name in bare)


@pytest.mark.slow
def test_memory_does_not_grow_after_the_first_thousand_steps(network):
    tracemalloc.start()
    try:
        with audit():
            for _ in range(1100):
                step(*network)
            early = tracemalloc.get_traced_memory()[0]
            for _ in range(1500):
                step(*network)
            late = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    # Only counters of fixed size and a learning rate per step (8 bytes and its float) are added.
    assert late - early < 150_000
