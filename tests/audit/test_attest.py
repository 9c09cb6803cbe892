"""`--attest`: the engine's own counts agree with the hooks', whichever road leads to backward."""

import json
from pathlib import Path

import pytest

from mx_notes import audit
from mx_notes.audit import attest
from mx_notes.audit.hooks.telling import unreported
from mx_notes.runtime import mx

PROGRAMS = Path(__file__).parents[1] / "programs"
STEPS = 4


def executor_directly():
    data, label = mx.sym.Variable("data"), mx.sym.Variable("label")
    symbol = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(data, num_hidden=3, name="fc"), label)
    executor = symbol.simple_bind(mx.cpu(), data=(8, 5), label=(8,))
    executor.arg_dict["data"][:] = mx.nd.random.normal(shape=(8, 5))
    updater = mx.optimizer.get_updater(mx.optimizer.SGD(rescale_grad=1 / 8))
    for _ in range(STEPS):
        executor.forward(is_train=True)
        executor.backward()
        for i, name in enumerate(("fc_weight", "fc_bias")):
            updater(i, executor.grad_dict[name], executor.arg_dict[name])


def gradients_returned():
    weight = mx.nd.random.normal(shape=(3, 5))
    weight.attach_grad()
    for _ in range(STEPS):
        with mx.autograd.record():
            loss = (
                mx.nd.FullyConnected(mx.nd.ones((8, 5)), weight, no_bias=True, num_hidden=3).square().mean()
            )
        (gradient,) = mx.autograd.grad(loss, [weight])
        weight -= 0.01 * gradient


def contrib_autograd():
    weight = mx.nd.random.normal(shape=(3, 5))
    gradient = mx.nd.zeros((3, 5))
    mx.contrib.autograd.mark_variables([weight], [gradient])
    for _ in range(STEPS):
        with mx.contrib.autograd.train_section():
            loss = (
                mx.nd.FullyConnected(mx.nd.ones((8, 5)), weight, no_bias=True, num_hidden=3).square().mean()
            )
        mx.contrib.autograd.backward([loss])
        weight -= 0.01 * gradient


@pytest.mark.parametrize("train", [executor_directly, gradients_returned, contrib_autograd])
def test_a_pass_that_bypasses_modules_and_gluon_is_counted_by_both(train):
    with audit(attest=True) as watch:
        train()
    assert watch.summary().calls["backward"] == {1: STEPS}
    seen = watch.attestation
    assert (seen.passes, seen.calls, seen.contradicted) == (attest.STEPS, attest.STEPS, False)


def test_the_engine_executed_each_layers_gradient_once_per_pass():
    with audit(attest=True) as watch:
        executor_directly()
    assert watch.attestation.executed == {"_backward_FullyConnected": attest.STEPS}
    assert "attested: the hooks counted 3 backward passes" in watch.report()


def test_a_pass_that_the_hooks_missed_would_be_told():
    with audit(attest=True) as watch:
        with unreported():
            gradients_returned()
        executor_directly()
    assert watch.attestation.contradicted
    assert "NOT ATTESTED: the hooks counted 3 backward passes" in watch.report()


def test_the_command_says_so(mx_notes_command, tmp_path):
    program = PROGRAMS / "healthy" / "module_forward_backward_update.py"
    result = mx_notes_command("audit", "--attest", "--json", "report.json", str(program))
    assert result.returncode == 0, result.stderr
    assert "attested: the hooks counted 3 backward passes" in result.stderr
    assert json.loads((tmp_path / "report.json").read_text())["attestation"]["contradicted"] is False


def test_passes_of_the_audits_own_are_not_counted():
    net = mx.gluon.nn.Sequential()
    net.add(mx.gluon.nn.Dense(8), mx.gluon.nn.SELU(), mx.gluon.nn.Dense(3))
    net.initialize(mx.init.Xavier())
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    with audit(attest=True) as watch:
        for _ in range(STEPS):
            data = mx.nd.random.normal(shape=(16, 5))
            with mx.autograd.record():
                loss = mx.nd.square(net(data))
            loss.backward()
            trainer.step(16)
    assert [finding.rule for finding in watch.errors] == [
        "loss-derivative"
    ]  # by a backward pass of LeakyReLU alone
    assert not watch.attestation.contradicted, watch.attestation.text()
