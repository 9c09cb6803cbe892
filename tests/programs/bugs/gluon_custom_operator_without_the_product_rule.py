"""A custom operator x sigmoid(x) in a Gluon network, whose backward pass forgets a part of the product rule.

Expect: loss-derivative by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(313)
np.random.seed(313)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")


class Swish(mx.operator.CustomOp):
    def forward(self, is_train, req, in_data, out_data, aux):
        self.assign(out_data[0], req[0], in_data[0] * mx.nd.sigmoid(in_data[0]))

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        gate = mx.nd.sigmoid(in_data[0])
        self.assign(in_grad[0], req[0], out_grad[0] * gate)


@mx.operator.register("bug_swish")
class SwishProp(mx.operator.CustomOpProp):
    def create_operator(self, ctx, shapes, dtypes):
        return Swish()


class Net(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.hidden, self.scores = gluon.nn.Dense(12), gluon.nn.Dense(3)

    def hybrid_forward(self, F, x):
        return self.scores(F.Custom(self.hidden(x), op_type="bug_swish"))


net = Net()
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for begin in range(0, 192, 16):
    data, label = mx.nd.array(x[begin : begin + 16]), mx.nd.array(y[begin : begin + 16])
    with autograd.record():
        loss = loss_of(net(data), label)
    loss.backward()
    trainer.step(16)
print(f"loss {loss.mean().asscalar():.3f}")
