"""The validation pass runs inside autograd.record(): dropout stays on and gradients are recorded for nothing.

Source: Apache MXNet #14564
Expect: train-mode by step 25
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(18)
mx.random.seed(18)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
train = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1536], y[:1536]), 64, shuffle=True)
valid = gluon.data.DataLoader(gluon.data.ArrayDataset(x[1536:1792], y[1536:1792]), 64)

net = nn.Sequential()
net.add(nn.Dense(64, activation="relu"), nn.Dropout(0.3), nn.Dense(10))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 3e-3})


def run(loader, training):
    total, metric = 0.0, mx.metric.Accuracy()
    for data, label in loader:
        with autograd.record():
            scores = net(data)
            loss = loss_fn(scores, label)
        if training:
            loss.backward()
            trainer.step(data.shape[0])
        total += loss.mean().asscalar()
        metric.update(label, scores)
    return total / len(loader), metric.get()[1]


for epoch in range(3):
    print(epoch, "train: loss, accuracy", run(train, training=True))
    print(epoch, "valid: loss, accuracy", run(valid, training=False))
