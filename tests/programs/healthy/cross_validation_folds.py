"""K-fold cross-validation and a small search: a new network and a new Trainer for every fold,
inside loops.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(79)
np.random.seed(79)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")[:1536]
labels = labels[:1536].astype("float32")
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
FOLDS = 3


def train(rows, learning_rate, epochs=2):
    net = nn.HybridSequential()
    net.add(nn.Dense(32, activation="relu"), nn.Dense(10))
    net.initialize(mx.init.Normal(0.05))
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": learning_rate, "momentum": 0.9})
    loader = gluon.data.DataLoader(gluon.data.ArrayDataset(images[rows], labels[rows]), 64, shuffle=True)
    losses = []
    for _ in range(epochs):
        for data, label in loader:
            with autograd.record():
                loss = loss_function(net(data), label)
            loss.backward()
            trainer.step(data.shape[0])
            losses.append(loss.mean().asscalar())
    return net, losses


for learning_rate in (0.05, 0.15):
    scores = []
    for fold in range(FOLDS):
        held_out = np.arange(1536) % FOLDS == fold
        net, losses = train(~held_out, learning_rate)
        predicted = net(mx.nd.array(images[held_out])).asnumpy().argmax(axis=1)
        scores.append((predicted == labels[held_out]).mean())
    print(f"learning rate {learning_rate}: accuracy {np.mean(scores):.3f}")
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
