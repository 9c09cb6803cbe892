"""Arithmetic in 8 bits, followed from where it wraps to the pass that reads it."""

import numpy as np
import pytest

from mx_notes import audit
from mx_notes.runtime import mx

IMAGES = np.arange(256, dtype="uint8").reshape(16, 16)


def trained(data, record_all=lambda x: x) -> list[str]:
    """The rules that find something in a step on this data; record_all: done to it in the recorded scope."""
    with audit(check_gradients=False) as watch:
        net = mx.gluon.nn.Dense(3)
        net.initialize(mx.init.Xavier())
        trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 1e-4})
        x = data()
        with mx.autograd.record():
            loss = (net(record_all(x)) - 1).square().mean()
        loss.backward()
        trainer.step(1)
    return [finding.rule for finding in watch.findings if finding.severity.value == "error"]


def images():
    return mx.nd.array(IMAGES, dtype="uint8")


def in_place():
    x = images()
    x -= 100
    return x.astype("float32") / 255


def through_views_and_stacks():
    rows = [image - 100 for image in images()]
    return mx.nd.stack(*rows)[:8].astype("float32") / 255


def filled_by_rows():
    x = mx.nd.zeros((16, 16), dtype="uint8")
    for row, image in zip(range(16), images(), strict=True):
        x[row] = image - 100
    return x.astype("float32") / 255


@pytest.mark.parametrize(
    "wrong",
    [
        in_place,
        filled_by_rows,
        through_views_and_stacks,
        lambda: (images() - images().mean(axis=0)).astype("float32") / 255,
        lambda: (images() * 2).astype("float32") / 255,
        lambda: (-images()).astype("float32") / 255,
        lambda: (images() * 0.5).astype("float32") / 255,  # 0.5 is 0 there
    ],
)
def test_what_wraps_and_reaches_the_network_is_an_error(wrong):
    assert trained(wrong) == ["byte-overflow"]


def test_it_may_wrap_in_the_recorded_scope():
    assert trained(images, lambda x: (x - 100).astype("float32") / 255) == ["byte-overflow"]


def unused():
    x = images()
    x - 100
    return x.astype("float32") / 255


def written_over():
    x = images() - 100
    x[:] = IMAGES
    return x.astype("float32") / 255


@pytest.mark.parametrize(
    "right",
    [
        unused,
        written_over,
        lambda: (images().astype("float32") - 100) / 255,
        lambda: (255 - images()).astype("float32") / 255,
        lambda: (images() - images().min(axis=0)).astype("float32") / 255,
    ],
)
def test_what_fits_or_is_not_read_is_left_in_peace(right):
    assert trained(right) == []


def test_it_is_followed_into_a_module():
    with audit() as watch:
        data = (mx.nd.array(IMAGES, dtype="uint8") - 100).astype("float32") / 255
        iterator = mx.io.NDArrayIter(data, mx.nd.arange(16) % 3, 8, label_name="softmax_label")
        net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=3), name="softmax")
        mx.mod.Module(net).fit(iterator, num_epoch=1, initializer=mx.init.Xavier())
    assert "byte-overflow" in [finding.rule for finding in watch.findings]
    assert next(f for f in watch.findings if f.rule == "byte-overflow").file == __file__
