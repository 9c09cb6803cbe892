"""Accumulation without grad_req='add': each micro-batch's gradient is copied into a sum, which is
put back for the step.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(25)
np.random.seed(25)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = gluon.data.DataLoader(
    gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32")), 64, shuffle=True
)

net = nn.Sequential()
net.add(nn.Dense(32, activation="relu", in_units=64), nn.Dense(10, in_units=32))
net.initialize(mx.init.Normal(0.05))
parameters = list(net.collect_params().values())
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})

losses = []
for _ in range(3):
    for data, label in train:
        sums = [mx.nd.zeros(parameter.shape) for parameter in parameters]
        for x, y in ((data[:32], label[:32]), (data[32:], label[32:])):
            with autograd.record():
                loss = loss_function(net(x), y)
            loss.backward()
            for total, parameter in zip(sums, parameters, strict=True):
                total += parameter.grad()
        for total, parameter in zip(sums, parameters, strict=True):
            parameter.grad()[:] = total
        trainer.step(data.shape[0])
        losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
