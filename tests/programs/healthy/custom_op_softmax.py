"""The loss layer as a custom operator (mx.operator.CustomOp) in a Module, as in MXNet's numpy-ops
example.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits


class Softmax(mx.operator.CustomOp):
    def forward(self, is_train, req, in_data, out_data, aux):
        x = in_data[0].asnumpy()
        y = np.exp(x - x.max(axis=1, keepdims=True))
        self.assign(out_data[0], req[0], mx.nd.array(y / y.sum(axis=1, keepdims=True)))

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        label = in_data[1].asnumpy().astype(int)
        gradient = out_data[0].asnumpy()
        gradient[np.arange(len(label)), label] -= 1
        self.assign(in_grad[0], req[0], mx.nd.array(gradient))


@mx.operator.register("healthy_softmax")
class SoftmaxProp(mx.operator.CustomOpProp):
    def __init__(self):
        super().__init__(need_top_grad=False)

    def list_arguments(self):
        return ["data", "label"]

    def infer_shape(self, in_shape):
        return [in_shape[0], (in_shape[0][0],)], [in_shape[0]], []

    def create_operator(self, ctx, shapes, dtypes):
        return Softmax()


mx.random.seed(32)
np.random.seed(32)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = mx.io.NDArrayIter(images[:1536], labels[:1536], 64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32)
net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="relu"), num_hidden=10)
net = mx.sym.Custom(net, mx.sym.var("softmax_label"), op_type="healthy_softmax", name="softmax")
losses = []
mx.mod.Module(net).fit(
    train,
    eval_metric="ce",
    initializer=mx.init.Normal(0.05),
    optimizer_params={"learning_rate": 0.1, "momentum": 0.9},
    num_epoch=2,
    batch_end_callback=lambda at: losses.append(at.eval_metric.get()[1]),
)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
