"""The audit lines of `mx-notes train`: true of a right program, refuted by a wrong one."""

import re
import warnings

import numpy as np
import pytest

from mx_notes import audit, models, training
from mx_notes.audit.confirm.confirmation import Confirmation
from mx_notes.audit.hooks.c_functions import C_FUNCTIONS
from mx_notes.recipes import preset
from mx_notes.runtime import mx


def train(
    steps: int = 24,
    order=("forward", "backward", "update"),
    settings=("batch_size=64",),
    check_gradients=False,
    **optimizer,
) -> str:
    """A Module on digits, with an optimiser that may be wrong; returns what the audit says."""
    run = training.start(preset("digits").override(settings))
    given = {"learning_rate": 0.01, "momentum": 0.9, "rescale_grad": 1.0} | optimizer
    make = given.pop("make", mx.optimizer.SGD)
    confirmation = Confirmation()
    with (
        audit(confirmation=confirmation, check_gradients=check_gradients),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # Module's, of a rescale_grad that is not 1/batch_size
        run.module.init_optimizer(None, make(**given), force_init=True)
        for _, batch in zip(range(steps), (b for e in range(9) for b in run.feed.epoch(e)), strict=False):
            for call in order:
                {"forward": lambda b=batch: run.module.forward(b, is_train=True)}.get(
                    call, getattr(run.module, call)
                )()
    return confirmation.text()


def test_a_right_program_is_confirmed():
    text = train()
    assert "24 batches: 24 forward, 24 backward, 24 updates; backward ran once per batch" in text
    assert "gradient = mean of the batch's losses (checked on 2 batches" in text
    assert "update = momentum 0.9 as written: v = 0.9 v - lr g, w = w + v (checked on 2 steps" in text


def test_the_gradient_is_held_against_the_losss_own_derivative_where_there_is_time():
    small = ["batch_size=8", "model=cifar_resnet20_v1"]
    judged = train(steps=3, settings=small, check_gradients=600)
    found = re.search(
        r"gradient = the loss's derivative \(2 batches, max. relative difference (.*)\)", judged
    )
    assert float(found[1]) < 0.01, judged  # relus that float32 and float64 see on different sides of 0
    without = train(steps=3, settings=small, check_gradients=1e-9)
    assert "gradient: not held against the loss's derivative (the 1e-09 s for it were over)" in without


@pytest.mark.parametrize("factor", [64, 1 / 64], ids=["sum", "divided twice"])
def test_a_gradient_of_another_size_than_the_means_is_refuted(factor):
    assert "gradient = mean of the batch's losses: REFUTED" in train(rescale_grad=factor)


def test_two_backward_passes_are_counted():
    text = train(order=("forward", "backward", "forward", "backward", "update"))
    assert "24 batches: 48 forward, 48 backward, 24 updates; REFUTED" in text


def test_an_update_before_its_backward_is_out_of_order():
    assert "REFUTED: not in order" in train(order=("forward", "update", "backward"))


class RateOutside(mx.optimizer.SGD):
    """Momentum as PyTorch has it, the learning rate outside of v, and with one that rises."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.aggregate_num = 0  # one parameter at a time

    def update(self, index, weight, grad, state):
        self._update_count(index)
        state[:] = self.momentum * state + grad * self.rescale_grad
        weight[:] = weight - self._get_lr(index) * state * (1 + 0.001 * self.num_update)

    update_multi_precision = update


def test_another_momentum_than_written_is_refuted():
    assert "update = momentum 0.9 as written: v = 0.9 v - lr g, w = w + v: REFUTED" in train(make=RateOutside)


def test_hooks_leave_nothing_behind_even_after_an_exception():
    library = mx.base._LIB
    owners = [(library, name) for name in C_FUNCTIONS]
    owners += [
        (mx.executor.Executor, "forward"),
        (mx.optimizer.Updater, "__call__"),
        (mx.kvstore.KVStore, "push"),
    ]
    before = [getattr(owner, name) for owner, name in owners]
    with pytest.raises(ZeroDivisionError), audit(), audit():
        assert all(getattr(o, n) is not b for (o, n), b in zip(owners, before, strict=True))
        raise ZeroDivisionError
    assert all(getattr(o, n) is b for (o, n), b in zip(owners, before, strict=True))


def test_training_is_the_same_bit_for_bit_with_and_without_the_audit():
    def parameters(audited: bool) -> dict[str, np.ndarray]:
        run = training.start(preset("digits").override(["epochs=1"]))
        if audited:
            with audit(confirmation=Confirmation()):
                training.fit(run)
        else:
            training.fit(run)
        arguments, auxiliary = run.module.get_params()
        return {name: array.asnumpy() for name, array in (arguments | auxiliary).items()}

    bare, audited = parameters(False), parameters(True)
    assert all((bare[name] == audited[name]).all() for name in bare)


def test_the_mean_head_is_found_in_every_kind_of_network():
    from mx_notes.audit.confirm.per_example import losses_symbol

    for name in ("cifar_resnet20_v1", "mobilenetv2_0.25"):
        symbol = models.mean_cross_entropy(models.build(name, 10, (3, 32, 32)))
        assert losses_symbol(symbol).list_outputs() == ["losses_output"]
