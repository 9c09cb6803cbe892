"""Looking does not change: gradients are read and logged between backward and step, noise of a
known size is added.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(66)
np.random.seed(66)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))

net = nn.HybridSequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
net.hybridize()
parameters = net.collect_params()
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(parameters, "sgd", {"learning_rate": 0.1, "momentum": 0.9})
losses = []
step = 0
for _ in range(2):
    for data, label in gluon.data.DataLoader(dataset, 64, shuffle=True):
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        if step % 10 == 0:
            print(step, {name: round(p.grad().norm().asscalar(), 3) for name, p in parameters.items()})
        for parameter in parameters.values():
            gradient = parameter.grad()
            gradient += mx.nd.random.normal(0, 64 * 0.01 / (1 + step) ** 0.55, gradient.shape)
        trainer.step(64)
        step += 1
        losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
