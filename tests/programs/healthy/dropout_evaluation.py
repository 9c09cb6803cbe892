"""Dropout in training only: evaluation outside record after each epoch, the best parameters kept
and put back.

Warnings: none
"""

import os
import tempfile

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(69)
np.random.seed(69)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1280].mean()) / images[:1280].std()).astype("float32")
labels = labels.astype("float32")
train = gluon.data.DataLoader(gluon.data.ArrayDataset(images[:1280], labels[:1280]), 64, shuffle=True)
valid = gluon.data.DataLoader(gluon.data.ArrayDataset(images[1280:], labels[1280:]), 64)

net = nn.HybridSequential()
net.add(nn.Dense(64, activation="relu"), nn.Dropout(0.5), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
net.hybridize()
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})


def accuracy(loader):
    metric = mx.metric.Accuracy()
    for data, label in loader:
        metric.update([label], [net(data)])
    return metric.get()[1]


losses, best = [], 0.0
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "best.params")
    for _ in range(4):
        for data, label in train:
            with autograd.record():
                loss = loss_function(net(data), label)
            loss.backward()
            trainer.step(data.shape[0])
            losses.append(loss.mean().asscalar())
        score = accuracy(valid)
        if score > best:
            best = score
            net.save_parameters(path)
    net.load_parameters(path)
print("best accuracy", best, "restored", accuracy(valid))
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
