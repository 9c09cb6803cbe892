"""Validation every ten steps in the middle of an epoch, between one step and the next record, and a
model that looks at its own training mode.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(103)
np.random.seed(103)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
valid_images, valid_labels = nd.array(images[1536:]), nd.array(labels[1536:])


class NoisyInputs(gluon.Block):
    def forward(self, x):
        if autograd.is_training():
            return x + nd.random.normal(0, 0.2, x.shape)
        return x


net = nn.Sequential()
net.add(NoisyInputs(), nn.Dense(32, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "nag", {"learning_rate": 0.1, "momentum": 0.9})
losses = []
for _ in range(2):
    for step, (data, label) in enumerate(gluon.data.DataLoader(dataset, 64, shuffle=True)):
        with autograd.record():
            scores = net(data)
            loss = loss_function(scores, label)
            with autograd.pause():
                right = (scores.argmax(axis=1) == label).mean()
        loss.backward()
        trainer.step(64)
        losses.append(loss.mean().asscalar())
        if step % 10 == 9:
            scores = net(valid_images)
            valid = loss_function(scores, valid_labels).mean().asscalar()
            print(f"training accuracy {right.asscalar():.3f}, validation loss {valid:.3f}")
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
