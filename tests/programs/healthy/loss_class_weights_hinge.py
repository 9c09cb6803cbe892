"""Rare class weighted by sample_weight, then HingeLoss with labels -1 and 1 on the same question.

Warnings: repeated-batch (it does not shuffle)
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
is_nine = (labels[:1536] == 9).astype("float32")
weights = np.where(is_nine == 1, 4.0, 0.7).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], is_nine, weights)


def network(outputs):
    mx.random.seed(52)
    np.random.seed(52)
    net = nn.HybridSequential()
    net.add(nn.Dense(24, activation="relu"), nn.Dense(outputs))
    net.initialize(mx.init.Normal(0.05))
    return net, gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})


cross_entropy, hinge = gluon.loss.SoftmaxCrossEntropyLoss(), gluon.loss.HingeLoss()
net, trainer = network(2)
losses = []
for data, label, weight in gluon.data.DataLoader(dataset, 64, shuffle=True):
    with autograd.record():
        loss = cross_entropy(net(data), label, weight.reshape((-1, 1)))
    loss.backward()
    trainer.step(64)
    losses.append(loss.mean().asscalar())
print(f"weighted cross-entropy {losses[0]:.3f} -> {losses[-1]:.3f}")

net, trainer = network(1)
losses = []
for data, label, _ in gluon.data.DataLoader(dataset, 64, shuffle=True):
    with autograd.record():
        loss = hinge(net(data), 2 * label - 1)
    loss.backward()
    trainer.step(64)
    losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
