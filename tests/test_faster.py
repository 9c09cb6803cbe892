"""What is changed in a graph for speed changes none of its numbers."""

import json

import numpy as np
import pytest

from mx_notes import models
from mx_notes.faster import global_means
from mx_notes.runtime import mx
from mx_notes.training import seed_everything


def operators(symbol):
    return [node["op"] for node in json.loads(symbol.tojson())["nodes"]]


def step(symbol, shape):
    """Outputs, gradients and running statistics of one forward and backward in training mode."""
    seed_everything(5)
    module = mx.mod.Module(symbol, ("data",), None)
    module.bind([("data", shape)])
    module.init_params(models.initializer())
    seed_everything(6)
    data = mx.nd.random.normal(shape=shape)
    module.forward(mx.io.DataBatch([data]), is_train=True)
    (output,) = module.get_outputs()
    module.backward([mx.nd.random.normal(shape=output.shape)])
    mx.nd.waitall()
    executor = module._exec_group.execs[0]
    arrays = {"output": output} | {n: g for n, g in executor.grad_dict.items() if g is not None}
    return {name: array.asnumpy() for name, array in (arrays | executor.aux_dict).items()}


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("cifar_resnet20_v1", (32, 3, 32, 32)),
        ("resnet18_v1", (4, 3, 96, 96)),
        ("resnet50_v1b", (4, 3, 96, 96)),
        ("mobilenetv2_1.0", (4, 3, 96, 96)),
    ],
)
def test_outputs_gradients_and_running_statistics_stay(name, shape):
    plain = models.logits_symbol(models.build(name, 10, shape[1:]))
    faster = global_means(plain)
    assert operators(plain).count("Pooling") == operators(faster).count("Pooling") + 1
    assert faster.list_arguments() == plain.list_arguments()
    expected, found = step(plain, shape), step(faster, shape)
    for name, values in expected.items():
        # The same float32 sums in another order. A bias or gamma in front of a batch norm has a gradient that
        # is zero but for rounding, so the scale is that of the largest gradient where its own is smaller.
        scale = max(np.abs(values).max(), 1e-2 * max(np.abs(v).max() for v in expected.values()))
        assert np.abs(found[name] - values).max() <= 1e-4 * scale, name


def test_a_pooling_that_is_not_the_global_mean_stays():
    data = mx.sym.Variable("data")
    kept = [
        mx.sym.Pooling(data, kernel=(2, 2), pool_type="avg"),
        mx.sym.Pooling(data, global_pool=True, pool_type="max", kernel=(1, 1)),
        mx.sym.Pooling(data, global_pool=True, pool_type="avg", kernel=(1,)),
    ]
    assert [operators(global_means(symbol)) for symbol in kept] == [operators(symbol) for symbol in kept]
