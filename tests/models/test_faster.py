"""What is changed in a graph for speed changes none of its numbers."""

import json

import numpy as np
import pytest

from mx_notes import models
from mx_notes.models.faster import FUSED, faster, with_fused_relus, with_global_means
from mx_notes.runtime import mx
from mx_notes.training import seed_everything


def operators(symbol):
    return [node["op"] for node in json.loads(symbol.tojson())["nodes"]]


def step(symbol, shape):
    """What one step and an evaluation after it give: outputs, gradients and running statistics."""
    seed_everything(5)
    module = mx.mod.Module(symbol, ("data",), None)
    module.bind([("data", shape)])
    module.init_params(models.initializer())
    seed_everything(6)
    batch = mx.io.DataBatch([mx.nd.random.normal(shape=shape)])
    module.forward(batch, is_train=True)
    (output,) = module.get_outputs()
    module.backward([mx.nd.random.normal(shape=output.shape)])
    mx.nd.waitall()
    executor = module._exec_group.execs[0]
    arrays = {"output": output} | {n: g for n, g in executor.grad_dict.items() if g is not None}
    found = {name: array.asnumpy() for name, array in (arrays | executor.aux_dict).items()}
    module.forward(batch, is_train=False)
    return found | {"evaluated": module.get_outputs()[0].asnumpy()}


@pytest.mark.parametrize(
    ("name", "shape", "fused"),
    [
        ("cifar_resnet20_v1", (32, 3, 32, 32), 9),
        ("cifar_resnet20_v2", (32, 3, 32, 32), 9),
        ("resnet18_v1", (4, 3, 96, 96), 8),
        ("resnet50_v1b", (4, 3, 96, 96), 32),
        ("mobilenetv2_1.0", (4, 3, 96, 96), 0),  # its ReLUs end at 6
    ],
)
def test_outputs_gradients_and_running_statistics_stay(name, shape, fused):
    plain = models.logits_symbol(models.build(name, 10, shape[1:]))
    changed = faster(plain, [mx.cpu()], shape[1:])
    assert operators(plain).count("Pooling") == operators(changed).count("Pooling") + 1
    assert operators(changed).count(FUSED) == fused
    assert changed.list_inputs() == plain.list_inputs()
    expected, found = step(plain, shape), step(changed, shape)
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
    assert [operators(with_global_means(symbol)) for symbol in kept] == [operators(symbol) for symbol in kept]


def test_batch_norm_and_relu_become_one_only_between_convolutions():
    def convolution(x, **settings):
        return mx.sym.Convolution(x, **{"kernel": (3, 3), "pad": (1, 1), "num_filter": 16} | settings)

    def relu(x):
        return mx.sym.Activation(x, act_type="relu")

    before = convolution(mx.sym.Variable("data"))
    grey = mx.sym.slice_axis(mx.sym.Variable("data"), axis=1, begin=0, end=1)
    norm = mx.sym.BatchNorm(before)
    for symbol, count in [
        (convolution(relu(norm)), 1),
        (norm, 0),
        (relu(norm), 0),
        (convolution(relu(norm)) + norm, 0),
        (convolution(relu(norm)) + relu(norm), 0),
        (mx.sym.Group([convolution(relu(norm)), norm]), 0),
        (convolution(mx.sym.Activation(norm, act_type="tanh")), 0),
        (convolution(relu(norm), num_group=4), 0),
        (convolution(relu(norm), num_filter=10), 0),
        (convolution(relu(mx.sym.BatchNorm(relu(before)))), 0),
        (convolution(relu(before)), 0),
        (convolution(relu(mx.sym.BatchNorm(convolution(grey)))), 0),
    ]:
        changed = with_fused_relus(symbol, (16, 8, 8))
        assert operators(changed).count(FUSED) == count
        assert len(operators(changed)) == len(operators(symbol)) - count
        assert changed.list_outputs() == symbol.list_outputs()


def test_on_a_gpu_the_graph_stays():
    """The operators that cost less on the CPU are not there."""
    plain = models.logits_symbol(models.build("cifar_resnet20_v1", 10, (3, 32, 32)))
    assert operators(faster(plain, [mx.gpu(0)], (3, 32, 32))) == operators(plain)
