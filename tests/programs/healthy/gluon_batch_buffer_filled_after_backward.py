"""One buffer holds each batch in turn, and is filled again after backward has read it

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(215)
np.random.seed(215)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
net = gluon.nn.Sequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05, "momentum": 0.9})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
data, label = mx.nd.array(x[:64]), mx.nd.array(y[:64])
for begin in range(64, 1408, 64):
    with autograd.record():
        loss = loss_of(net(data), label)
    loss.backward()
    data[:] = x[begin : begin + 64]
    label[:] = y[begin : begin + 64]
    trainer.step(64)
print(f"loss {loss.mean().asscalar():.3f}")
