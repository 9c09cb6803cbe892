"""Frozen layers stay as they are to the bit, and the last layer learns at its own rate."""

import numpy as np
import pytest

from mx_notes import models, training
from mx_notes.errors import UserError
from mx_notes.models.layers import frozen_layers, layers
from mx_notes.recipes import preset
from mx_notes.runtime import mx

PREFIX = "cifarresnetv10_"
BODY = "(?!dense)"  # all but the last layer


def started(*settings):
    return training.start(preset("digits").override(["batch_size=64", *settings]))


def arrays(run):
    mx.nd.waitall()
    arguments, auxiliary = run.module.parameters()
    return {name: array.asnumpy() for name, array in (arguments | auxiliary).items()}


def after_steps(run, count):
    for batch, _ in zip(run.feed.epoch(0), range(count), strict=False):
        run.module.forward_backward(batch)
        run.module.update()
    return arrays(run)


@pytest.mark.parametrize("device", ["cpu", "cpu:0,cpu:1"])
def test_frozen_layers_keep_parameters_and_running_statistics_to_the_bit(device):
    run = started("freeze=conv0|batchnorm0|stage1", f"device={device}")
    frozen = {name for own in frozen_layers(run.symbol, run.recipe.freeze).values() for name in own}
    assert {f"{PREFIX}conv0_weight", f"{PREFIX}stage1_batchnorm5_running_mean"} <= frozen
    assert not any("stage2" in name for name in frozen)
    before, after = arrays(run), after_steps(run, 3)
    assert {name for name in before if np.array_equal(before[name], after[name])} == frozen
    assert not frozen & run.module.update_counts().keys()


def test_a_frozen_body_computes_in_training_what_it_computes_in_inference():
    """Its batch norms, fused with ReLUs too, use the running statistics in both."""
    run = started(f"freeze={BODY}")
    with_others = started()
    batch = next(run.feed.epoch(0))
    found = []
    for module in (run.module, with_others.module):
        for training_mode in (True, False):
            module.forward(batch, is_train=training_mode)
            found.append(module.get_outputs()[1].asnumpy())
    # Two ways to the same sums in float32; the batch's own statistics give something else altogether.
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
    assert np.abs(found[2] - found[3]).max() > 0.01


def test_the_gradient_that_passes_frozen_layers_is_gluons():
    run = started("freeze=stage3")
    net = models.build(run.recipe.model, 10, run.data.shape)
    net.initialize()
    own = arrays(run)
    for name, parameter in net.collect_params().items():
        parameter.set_data(mx.nd.array(own[name]))

    def still(block):
        if isinstance(block, mx.gluon.nn.BatchNorm) and "stage3" in block.name:
            block._kwargs["use_global_stats"] = True

    net.apply(still)
    batch = next(run.feed.epoch(0))
    with mx.autograd.record():
        loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()(net(batch.data[0]), batch.label[0]).mean()
    loss.backward()
    run.module.forward_backward(batch)
    gradients = run.module.executors[0].grad_dict
    for name in ("conv0_weight", "stage2_conv1_weight", "dense0_weight"):
        ours, theirs = (
            of.asnumpy()
            for of in (
                gradients[PREFIX + name],
                net.collect_params(f".*{name}$")[PREFIX + name].grad(),
            )
        )
        # Of float32 sums in another order, through 20 layers.
        assert np.linalg.norm(ours - theirs) < 1e-3 * np.linalg.norm(theirs)


@pytest.mark.parametrize("device", ["cpu", "cpu:0,cpu:1"])
def test_the_last_layers_rate_is_a_multiple_of_the_others(device):
    plain, fast = (started(f"device={device}", *more) for more in ([], ["lr_head=10"]))
    before, slow, quick = arrays(plain), after_steps(plain, 1), after_steps(fast, 1)
    *_, head = layers(plain.symbol).values()
    assert [name.rpartition("_")[2] for name in head] == ["weight", "bias"] and "dense" in head[0]
    for name in plain.module.parameter_names:
        times = 10 if name in head else 1
        # Rounding of w + v: half a unit of float32 of the largest weight, and of its tenfold step.
        np.testing.assert_allclose(quick[name] - before[name], times * (slow[name] - before[name]), atol=3e-6)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("stage9", "freeze=stage9: no layer's name begins so; they are conv0, batchnorm0, stage1_conv0 …"),
        ("(", "freeze=(: not a regular expression: missing ), unterminated subpattern"),
        (".*", "freeze=.*: takes all 43 layers; nothing is left to train"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_one_line(pattern, message):
    with pytest.raises(UserError) as caught:
        started(f"freeze={pattern}")
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)
