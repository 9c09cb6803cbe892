"""Soft targets: smoothed one-hot labels (sparse_label=False), then mixup of two shuffled halves of
the batch.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(45)
np.random.seed(45)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))

net = nn.HybridSequential()
net.add(nn.Dense(48, activation="relu"), nn.Dropout(0.2), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
net.hybridize()
loss_function = gluon.loss.SoftmaxCrossEntropyLoss(sparse_label=False)
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.005})


def smooth(label, epsilon=0.1):
    return nd.one_hot(label, 10, on_value=1 - epsilon + epsilon / 10, off_value=epsilon / 10)


losses = []
for epoch in range(4):
    for data, label in gluon.data.DataLoader(dataset, 64, shuffle=True):
        target = smooth(label)
        if epoch >= 2:
            share = float(np.random.beta(0.2, 0.2))
            data = share * data + (1 - share) * data[::-1]
            target = share * target + (1 - share) * target[::-1]
        with autograd.record():
            loss = loss_function(net(data), target)
        loss.backward()
        trainer.step(data.shape[0])
        losses.append(loss.mean().asscalar())
accuracy = (net(nd.array(images[1536:])).asnumpy().argmax(axis=1) == labels[1536:]).mean()
print("test accuracy", accuracy)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
