"""Rows scaled to length 1 by an autograd.Function, whose backward pass divides by the length only and leaves out the projection.

Expect: loss-derivative by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(315)
np.random.seed(315)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")


class UnitRows(autograd.Function):
    def forward(self, h):
        length = mx.nd.sqrt(mx.nd.sum(h * h, axis=1, keepdims=True) + 1e-6)
        unit = h / length
        self.save_for_backward(unit, length)
        return unit

    def backward(self, dy):
        _, length = self.saved_tensors
        return dy / length


class Net(gluon.Block):
    def __init__(self):
        super().__init__()
        self.hidden, self.scores = gluon.nn.Dense(12), gluon.nn.Dense(3)

    def forward(self, x):
        return self.scores(4 * UnitRows()(self.hidden(x)))


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
