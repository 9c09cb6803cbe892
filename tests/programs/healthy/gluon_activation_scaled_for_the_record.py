"""A copy of an activation is divided, for a plot; backward reads the activation itself.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(322)
np.random.seed(322)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")

hidden, scores = gluon.nn.Dense(12, activation="tanh"), gluon.nn.Dense(3)
net = gluon.nn.Sequential()
net.add(hidden, scores)
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for begin in range(0, 192, 16):
    data, label = mx.nd.array(x[begin : begin + 16]), mx.nd.array(y[begin : begin + 16])
    with autograd.record():
        activation = hidden(data)
        loss = loss_of(scores(activation), label)
    shown = activation / activation.max()
    loss.backward()
    trainer.step(16)
print(f"loss {loss.mean().asscalar():.3f}")
