"""Fine-tuning in two phases: first the head alone, then everything with a new Trainer and a smaller
learning rate.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(93)
np.random.seed(93)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()

features = nn.HybridSequential(prefix="features_")
features.add(nn.Dense(64), nn.BatchNorm(), nn.Activation("relu"))
head = nn.Dense(10, prefix="head_")
features.initialize(mx.init.Xavier())
head.initialize(mx.init.Normal(0.03))


def phase(trainer, forward, epochs):
    losses = []
    for _ in range(epochs):
        for data, label in gluon.data.DataLoader(dataset, 64, shuffle=True):
            with autograd.record():
                loss = loss_function(forward(data), label)
            loss.backward()
            trainer.step(64)
            losses.append(loss.mean().asscalar())
    return losses


def frozen(data):
    with autograd.pause():
        fixed = features(data)
    return head(fixed)


head_only = gluon.Trainer(head.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
losses = phase(head_only, frozen, 1)
everything = features.collect_params()
everything.update(head.collect_params())
all_layers = gluon.Trainer(everything, "sgd", {"learning_rate": 0.02, "momentum": 0.9})
losses += phase(all_layers, lambda data: head(features(data)), 2)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
