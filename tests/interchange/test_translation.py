"""Graphs that people saved, as ONNX: what ONNX Runtime computes from them, and the operator that stops one."""

import numpy as np
import pytest

from mx_notes.errors import UserError
from mx_notes.interchange.agreement import agreement, random_batches
from mx_notes.interchange.translation import translate
from mx_notes.models.nodes import nodes
from mx_notes.runtime import mx

sym = mx.sym
IMAGE = (3, 12, 12)
DATA = sym.var("data")


def conv(number=8, kernel=3):
    return sym.Convolution(DATA, kernel=(kernel, kernel), num_filter=number)


def dense(number=5):
    return sym.FullyConnected(DATA, num_hidden=number)


def pooled(**how):
    return sym.Pooling(conv(kernel=2), kernel=(3, 3), stride=(2, 2), **how)


def recurrent(mode):
    cell = {"state_cell": sym.zeros((1, 0, 6))} if mode == "lstm" else {}
    steps = sym.transpose(DATA, axes=(1, 0, 2))
    parameters, state = sym.var("rnn_parameters"), sym.zeros((1, 0, 6))
    return sym.RNN(
        steps, parameters=parameters, state=state, state_size=6, num_layers=1, mode=mode, name="rnn", **cell
    )


def unrolled(cell):
    words = sym.Embedding(DATA, input_dim=20, output_dim=4)
    outputs, _ = cell(6).unroll(5, words, layout="NTC", merge_outputs=True)
    return sym.SoftmaxOutput(sym.FullyConnected(outputs, num_hidden=3))


NETWORKS = {
    # the heads of Module's networks, with labels
    "SoftmaxOutput": lambda: sym.SoftmaxOutput(dense(), name="softmax"),
    "SoftmaxOutput of pixels": lambda: sym.SoftmaxOutput(conv(), multi_output=True),
    "LinearRegressionOutput": lambda: sym.LinearRegressionOutput(dense()),
    "MAERegressionOutput": lambda: sym.MAERegressionOutput(dense()),
    "LogisticRegressionOutput": lambda: sym.LogisticRegressionOutput(dense()),
    "SVMOutput": lambda: sym.SVMOutput(dense()),
    "SoftmaxActivation": lambda: sym.SoftmaxActivation(conv(), mode="channel"),
    "two outputs": lambda: sym.Group([dense(2), sym.BlockGrad(dense(3))]),
    # layers with what MXNet's translator does not take for granted
    "FullyConnected, flatten left out": dense,
    "Deconvolution, no_bias left out": lambda: sym.Deconvolution(
        conv(), kernel=(4, 4), stride=(2, 2), pad=(1, 1), num_filter=4
    ),
    "Deconvolution with adj, bias": lambda: sym.Deconvolution(
        conv(), kernel=(3, 3), stride=(2, 2), adj=(1, 1), num_filter=4, no_bias=False
    ),
    "BatchNorm, gamma fixed": lambda: sym.BatchNorm(conv()),
    "BatchNorm of scores": lambda: sym.BatchNorm(dense(), fix_gamma=False),
    "BatchNormWithReLU": lambda: sym.contrib.BatchNormWithReLU(conv(), fix_gamma=False),
    "LayerNorm": lambda: sym.LayerNorm(dense()),
    "mean over axes": lambda: sym.mean(conv(), axis=(2, 3)),
    "L2Normalization, instance": lambda: sym.L2Normalization(conv()),
    "L2Normalization, channel": lambda: sym.L2Normalization(conv(), mode="channel"),
    "LRN": lambda: sym.LRN(conv(), nsize=5, alpha=0.01, knorm=1),
    "Concat": lambda: sym.Concat(conv(), conv(3)),
    "SliceChannel": lambda: sym.Concat(*sym.SliceChannel(conv(), num_outputs=4)),
    "SwapAxis": lambda: sym.SwapAxis(conv(), dim1=1, dim2=2),
    "Reshape with -4": lambda: sym.reshape(conv(), shape=(0, -4, 2, -1, -2)),
    "channels shuffled": lambda: sym.reshape(
        sym.SwapAxis(sym.reshape(conv(), shape=(0, -4, 2, -1, -2)), dim1=1, dim2=2), shape=(0, -3, -2)
    ),
    "UpSampling": lambda: sym.UpSampling(conv(), scale=2, sample_type="nearest"),
    **{
        f"LeakyReLU {kind}": lambda kind=kind: sym.LeakyReLU(conv(), act_type=kind)
        for kind in ("leaky", "elu", "prelu", "selu", "gelu")
    },
    "LeakyReLU rrelu": lambda: sym.LeakyReLU(conv(), act_type="rrelu")[0] * 1,
    "LeakyReLU prelu of scores": lambda: sym.LeakyReLU(dense(), act_type="prelu"),
    **{
        f"Pooling {kind} {convention}": lambda kind=kind, convention=convention: pooled(
            pool_type=kind, pooling_convention=convention, pad=(1, 1)
        )
        for kind in ("max", "avg")
        for convention in ("valid", "full")
    },
    "Pooling, borders not counted": lambda: pooled(pool_type="avg", pad=(1, 1), count_include_pad=False),
    "Pooling over everything": lambda: sym.Pooling(conv(), global_pool=True, pool_type="avg", kernel=(1, 1)),
}
SEQUENCES = {
    **{f"RNN {mode}": ((5, 4), lambda mode=mode: recurrent(mode)) for mode in ("lstm", "gru", "rnn_tanh")},
    "Embedding and LSTMCell": ((5,), lambda: unrolled(mx.rnn.LSTMCell)),
    "Embedding and GRUCell": ((5,), lambda: unrolled(mx.rnn.GRUCell)),
}
REFUSED = {
    "GroupNorm (in norm)": lambda: sym.GroupNorm(conv(), num_groups=2, name="norm"),
    "erf (in erf0)": lambda: sym.erf(conv(), name="erf0"),
    "SpatialTransformer (in stn)": lambda: sym.SpatialTransformer(
        DATA, dense(6), target_shape=(6, 6), transform_type="affine", sampler_type="bilinear", name="stn"
    ),
    "Pooling (in sums)": lambda: pooled(pool_type="sum", name="sums"),
    "_contrib_AdaptiveAvgPooling2D (in grid)": lambda: sym.contrib.AdaptiveAvgPooling2D(
        conv(), output_size=3, name="grid"
    ),
}


def with_parameters(symbol, shape):
    with np.errstate(all="raise"):
        arguments, _, auxiliary = symbol.infer_shape(data=(2, *shape))
    generator = np.random.default_rng(1)
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    return {
        name: mx.nd.array(
            generator.uniform(0.5, 1.5, size) if name.endswith("var") else generator.normal(0, 0.3, size)
        )
        for name, size in zip(names, [*arguments, *auxiliary], strict=True)
        if name != "data" and not name.endswith("label")
    }


def exported(symbol, shape):
    parameters = with_parameters(symbol, shape)
    model = translate(symbol, parameters, {"data": shape}, "net")
    return model, agreement(model, symbol, parameters, random_batches(symbol, {"data": shape}, (5, 1)), "net")


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_and_losses(name):
    model, result = exported(NETWORKS[name](), IMAGE)
    assert result.examples == 6 and [value.name for value in model.graph.input] == ["data"]


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences(name):
    shape, build = SEQUENCES[name]
    exported(build(), shape)


@pytest.mark.parametrize("operator", REFUSED)
def test_an_operator_that_cannot_be_exported_is_named_in_one_line(operator):
    with pytest.raises(UserError) as caught:
        exported(REFUSED[operator](), IMAGE)
    assert operator in str(caught.value) and "\n" not in str(caught.value)


def test_what_onnx_runtime_refuses_is_named():
    """Layers above the first: MXNet's translator reads their weights at another place."""
    outputs, _ = mx.rnn.FusedRNNCell(6, num_layers=2, prefix="lstm_").unroll(
        5, DATA, layout="NTC", merge_outputs=True
    )
    with pytest.raises(UserError, match=r"ONNX Runtime refuses what MXNet writes, first in RNN \(lstm_rnn\)"):
        exported(outputs, (5, 4))


def test_outputs_say_which_axis_is_the_batch():
    model, _ = exported(sym.Group([dense(2), sym.Flatten(conv(), name="flat")]), IMAGE)
    axes = [
        [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in model.graph.output
    ]
    assert axes == [["batch", 2], ["batch", 800]]


def test_a_graph_that_holds_a_batch_size():
    fixed = sym.FullyConnected(sym.reshape(DATA, shape=(2, -1)) + sym.zeros((2, 432)), num_hidden=3)
    with pytest.raises(UserError, match="does not take batches of "):
        translate(fixed, with_parameters(fixed, IMAGE), {"data": IMAGE}, "net")


def test_the_users_symbol_is_not_changed():
    symbol = NETWORKS["SoftmaxOutput"]()
    before = symbol.tojson()
    exported(symbol, IMAGE)
    assert symbol.tojson() == before and nodes(symbol)[-1].op == "SoftmaxOutput"
