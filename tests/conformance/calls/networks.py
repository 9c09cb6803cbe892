"""Gluon, symbols, modules, optimisers, initialisers, stores, profiler, ONNX."""

import contextlib
import io
import os
import tempfile

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd

from . import grid, spelled

IMAGE = nd.array(grid(1, 3, 8, 8) / 192)
OPTIMIZERS = (
    *("sgd", "adam", "nag", "rmsprop", "adagrad", "adadelta", "ftrl", "ftml", "signum", "lamb", "lars"),
    *("dcasgd", "adamax", "nadam", "lbsgd"),
)


def shape_of(layer, data=IMAGE, hybrid=False):
    layer.initialize(mx.init.One())
    if hybrid:
        layer.hybridize()
    return layer(data).shape


def trained(name, numpy_rates):
    """A weight after three updates."""
    number = np.float64 if numpy_rates else float
    weight = gluon.Parameter("weight", shape=(2, 3))
    weight.initialize(mx.init.One())
    settings = {"learning_rate": number(0.125), "wd": number(0.0625)}
    trainer = gluon.Trainer({"weight": weight}, name, settings)
    for step in range(3):
        with autograd.record():
            loss = (weight.data() * nd.array(grid(2, 3))).sum()
        loss.backward()
        if step == 2:
            trainer.set_learning_rate(number(0.03125))
        trainer.step(np.int64(4) if numpy_rates else 4)
    return weight.data()


def initialized(initializer, shape=(2, 3), name="x_weight"):
    array = nd.zeros(shape)
    initializer(mx.init.InitDesc(name), array)
    return array


def orthogonal():
    array = initialized(mx.init.Orthogonal(scale=np.float64(1)), (3, 3))
    return nd.dot(array, array.T).round()


def network():
    data = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, name="f")
    return mx.sym.SoftmaxOutput(data, name="softmax")


def fitted(**options):
    module = mx.mod.Module(network())
    iterator = mx.io.NDArrayIter(grid(8, 3) / 24, np.arange(8) % 2, np.int64(4))
    module.fit(iterator, num_epoch=np.int64(2), initializer=mx.init.One(), **options)
    return module, iterator


def scored():
    module, iterator = fitted(optimizer_params={"learning_rate": np.float32(0.125)})
    return (
        module.score(iterator, ["acc", "ce"]),
        module.predict(iterator).shape,
        module.get_params()[0]["f_weight"],
    )


def summary():
    with contextlib.redirect_stdout(io.StringIO()) as text:
        mx.viz.print_summary(network(), {"data": (1, 3)})
    return text.getvalue()


def of_block():
    net = gluon.nn.HybridSequential(prefix="n_")
    with net.name_scope():
        net.add(gluon.nn.Conv2D(np.int64(4), tuple(np.array([3, 3]))), gluon.nn.Dense(2))
    net.initialize()
    with contextlib.redirect_stdout(io.StringIO()) as text:
        net.summary(IMAGE)
    return "Total params: " in text.getvalue(), repr(net)


def custom():
    class Twice(mx.operator.CustomOp):
        def forward(self, is_train, req, in_data, out_data, aux):
            self.assign(out_data[0], req[0], nd.array(in_data[0].asnumpy() * 2))

        def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
            self.assign(in_grad[0], req[0], out_grad[0] * 2)

    @mx.operator.register("conformance_twice")
    class TwiceProp(mx.operator.CustomOpProp):
        def __init__(self, factor="1"):
            super().__init__(True)
            self.factor = factor

        def infer_shape(self, in_shape):
            return in_shape, [(np.prod(in_shape[0]),) if False else in_shape[0]], []

        def create_operator(self, ctx, shapes, dtypes):
            return Twice()

    x = nd.ones((2,))
    x.attach_grad()
    with autograd.record():
        y = nd.Custom(x, op_type="conformance_twice", factor=np.float64(2))
    y.backward()
    return x.grad


def profiled():
    with tempfile.TemporaryDirectory() as folder:
        mx.profiler.set_config(
            profile_all=True, filename=os.path.join(folder, "p.json"), aggregate_stats=True
        )
        mx.profiler.set_state("run")
        nd.ones((3, 3)).asnumpy()
        mx.profiler.set_state("stop")
        table = mx.profiler.dumps(reset=True)
    return "_ones" in table


def stored(kind):
    store = mx.kv.create(kind)
    store.init(3, nd.ones((2,)))
    store.set_optimizer(mx.optimizer.SGD(learning_rate=np.float64(0.5), rescale_grad=np.float32(0.5)))
    store.push(3, [nd.ones((2,)), nd.ones((2,))])
    out = nd.zeros((2,))
    store.pull(3, out)
    return out


def to_onnx():
    with tempfile.TemporaryDirectory() as folder:
        module, _ = fitted()
        arguments, auxiliary = module.get_params()
        file = os.path.join(folder, "net.onnx")
        mx.onnx.export_model(network(), {**arguments, **auxiliary}, [(1, 3)], np.float32, file)
        import onnx

        return [node.op_type for node in onnx.load(file).graph.node][-1]


def exported():
    with tempfile.TemporaryDirectory() as folder:
        net = gluon.nn.Dense(2, in_units=3)
        net.initialize(mx.init.One())
        net.hybridize()
        before = net(nd.array(grid(1, 3)))
        net.export(os.path.join(folder, "n"))
        again = gluon.SymbolBlock.imports(
            os.path.join(folder, "n-symbol.json"), ["data"], os.path.join(folder, "n-0000.params")
        )
        return before, again(nd.array(grid(1, 3)))


CALLS = {
    **spelled(
        {
            "Conv2D": lambda n: shape_of(
                gluon.nn.Conv2D(np.int64(4), tuple(n(3, 3)), padding=tuple(n(1, 1)))
            ),
            "Conv2D, hybrid": lambda n: shape_of(
                gluon.nn.Conv2D(4, tuple(n(3, 3)), strides=tuple(n(2, 2))), hybrid=True
            ),
            "Conv2DTranspose": lambda n: shape_of(
                gluon.nn.Conv2DTranspose(2, tuple(n(2, 2)), tuple(n(2, 2)))
            ),
            "MaxPool2D": lambda n: shape_of(gluon.nn.MaxPool2D(tuple(n(2, 2)), tuple(n(2, 2)))),
            "AvgPool2D": lambda n: shape_of(gluon.nn.AvgPool2D(tuple(n(2, 2))), hybrid=True),
            "Parameter": lambda n: _parameter(tuple(n(2, 3))),
            "a variable's shape": lambda n: mx.sym.var("x", shape=tuple(n(3, 4))).infer_shape()[1],
            "infer_shape": lambda n: network().infer_shape(data=tuple(n(4, 3)))[0],
            "simple_bind": lambda n: network().simple_bind(mx.cpu(), data=tuple(n(4, 3))).forward()[0].shape,
            "sym.reshape": lambda n: mx.sym.reshape(mx.sym.var("x"), shape=n(3, 2)).infer_shape(x=(2, 3))[1],
            "sym.Convolution": lambda n: mx.sym.Convolution(
                mx.sym.var("x"), kernel=n(3, 3), num_filter=np.int64(4)
            ).infer_shape(x=(1, 3, 8, 8))[1],
            "Module.bind": lambda n: _bound(tuple(n(4, 3))),
        }
    ),
    **{f"{name}, rates by NumPy": lambda name=name: trained(name, True) for name in OPTIMIZERS},
    **{f"{name}, plain rates": lambda name=name: trained(name, False) for name in OPTIMIZERS},
    "Dense": lambda: shape_of(gluon.nn.Dense(np.int64(4), in_units=np.int64(3)), nd.ones((1, 3))),
    "Conv2D by one np.int64": lambda: shape_of(
        gluon.nn.Conv2D(4, np.int64(3), strides=np.int64(2)), hybrid=True
    ),
    "Dropout": lambda: shape_of(gluon.nn.Dropout(np.float64(0.5), axes=tuple(np.array([1])))),
    "BatchNorm": lambda: shape_of(gluon.nn.BatchNorm(momentum=np.float32(0.5), in_channels=np.int64(3))),
    "Embedding": lambda: shape_of(gluon.nn.Embedding(np.int64(5), np.int64(2)), nd.array([1, 2])),
    "LSTM": lambda: shape_of(gluon.rnn.LSTM(np.int64(4), np.int64(2)), nd.ones((3, 2, 5))),
    "LSTMCell": lambda: _unrolled(gluon.rnn.LSTMCell(np.int64(4))),
    "HybridLambda": lambda: shape_of(
        gluon.nn.HybridLambda(lambda F, x: F.reshape(x, shape=(0, np.prod((3, 8)), -1)))
    ),
    "Constant": lambda: _constant(),
    "losses": lambda: [
        loss(nd.array(grid(2, 3)), nd.array([[1, 0, 1], [0, 1, 0]]))
        for loss in (
            gluon.loss.L2Loss(np.float32(1)),
            gluon.loss.L1Loss(),
            gluon.loss.HuberLoss(np.float64(1)),
        )
    ],
    "cross-entropy": lambda: gluon.loss.SoftmaxCELoss()(nd.array(grid(2, 3)), nd.array(np.array([1, 2]))),
    "split_and_load": lambda: gluon.utils.split_and_load(
        grid(5, 2), [mx.cpu(0), mx.cpu(1)], even_split=False
    ),
    "clip_global_norm": lambda: gluon.utils.clip_global_norm([nd.ones((3,)), nd.ones((2,))], np.float64(1)),
    "block's text": of_block,
    "export": exported,
    "Xavier": lambda: initialized(mx.init.Xavier(magnitude=np.float64(2))).shape,
    "MSRAPrelu": lambda: initialized(mx.init.MSRAPrelu(slope=np.float64(0.25))).shape,
    "Orthogonal": orthogonal,
    "Bilinear": lambda: initialized(mx.init.Bilinear(), (1, 1, 4, 4)),
    "LSTMBias": lambda: initialized(mx.init.LSTMBias(np.float64(1)), (8,), "x_bias"),
    "Constant initialiser": lambda: initialized(mx.init.Constant(np.float64(2))),
    "Constant initialiser of an array": lambda: initialized(mx.init.Constant(grid(2, 3))),
    "Normal": lambda: initialized(mx.init.Normal(np.float64(0.5))).shape,
    "dumps": lambda: mx.init.Normal(np.float64(0.5)).dumps(),
    "Mixed": lambda: initialized(
        mx.init.Mixed([".*bias", ".*"], [mx.init.Zero(), mx.init.One()]), (2,), "a_bias"
    ),
    "fit and score": scored,
    "print_summary": summary,
    "symbol and np scalars": lambda: (mx.sym.var("a") * np.float32(2) + np.int64(1)).eval(a=nd.ones((2,)))[0],
    "attributes": lambda: _attributes(),
    "Custom": custom,
    "Function": lambda: _function(),
    "gradient": lambda: _gradient(),
    "kvstore local": lambda: stored("local"),
    "kvstore device": lambda: stored("device"),
    "MultiFactorScheduler": lambda: mx.lr_scheduler.MultiFactorScheduler(
        list(np.array([5, 10])), 0.5, np.float64(1)
    )(6),
    "FactorScheduler": lambda: mx.lr_scheduler.FactorScheduler(np.int64(2), np.float64(0.5), base_lr=1)(5),
    "CosineScheduler": lambda: mx.lr_scheduler.CosineScheduler(np.int64(10), np.float64(1), warmup_steps=2)(
        5
    ),
    "PolyScheduler": lambda: mx.lr_scheduler.PolyScheduler(np.int64(10), np.float64(1))(5),
    "profiler": profiled,
    "onnx": to_onnx,
}


def _parameter(shape):
    parameter = gluon.Parameter("w", shape=shape)
    parameter.initialize(mx.init.One())
    return parameter.data()


def _constant():
    constant = gluon.Constant("c", np.array([[1.0, 2]]))
    constant.initialize()
    return constant.data()


def _bound(shape):
    module = mx.mod.Module(network())
    module.bind([("data", shape)], [("softmax_label", (shape[0],))])
    module.init_params(mx.init.One())
    return module.output_shapes


def _unrolled(cell):
    cell.initialize(mx.init.One())
    return cell.unroll(np.int64(3), nd.ones((2, 3, 5)), merge_outputs=True)[0].shape


def _attributes():
    variable = mx.sym.var(
        "x", lr_mult=np.float32(2), wd_mult=np.float64(0.5), init=mx.init.Normal(np.float64(0.5))
    )
    return variable.attr("__lr_mult__"), variable.attr("__wd_mult__"), variable.attr("__init__")


def _function():
    class Twice(autograd.Function):
        def forward(self, x):
            return x * np.float64(2)

        def backward(self, dy):
            return dy * np.float32(2)

    x = nd.ones((2,))
    x.attach_grad()
    with autograd.record():
        y = Twice()(x)
    y.backward()
    return x.grad


def _gradient():
    x = nd.array(grid(4))
    x.attach_grad()
    with autograd.record():
        y = (x * np.float64(2) + np.float32(1)) ** np.int64(2)
    y.backward(nd.array(np.ones(4)))
    return x.grad
