"""Weights are held within bounds after the forward pass and before backward, which then multiplies by other weights than the forward pass did.

Expect: changed-since-forward by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(321)
np.random.seed(321)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")

net = gluon.nn.Sequential()
net.add(gluon.nn.Dense(12, activation="tanh"), gluon.nn.Dense(3))
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for begin in range(0, 192, 16):
    data, label = mx.nd.array(x[begin : begin + 16]), mx.nd.array(y[begin : begin + 16])
    with autograd.record():
        loss = loss_of(net(data), label)
    for parameter in net.collect_params(".*weight").values():
        parameter.set_data(mx.nd.clip(parameter.data(), -0.2, 0.2))
    loss.backward()
    trainer.step(16)
print(f"loss {loss.mean().asscalar():.3f}")
