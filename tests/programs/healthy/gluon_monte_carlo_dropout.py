"""Dropout left on at prediction on purpose: autograd.train_mode() outside record, several draws, no
gradient.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from sklearn.datasets import load_diabetes

mx.random.seed(94)
np.random.seed(94)
features, target = load_diabetes(return_X_y=True)
features = ((features - features.mean(axis=0)) / features.std(axis=0)).astype("float32")
target = ((target - target.mean()) / target.std()).astype("float32")
train = gluon.data.DataLoader(gluon.data.ArrayDataset(features[:384], target[:384]), 32, shuffle=True)

net = nn.HybridSequential()
net.add(nn.Dense(32, activation="relu"), nn.Dropout(0.2), nn.Dense(1))
net.initialize(mx.init.Xavier())
loss_function = gluon.loss.L2Loss()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01, "wd": 1e-3})
losses = []
for _ in range(6):
    for data, label in train:
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        trainer.step(32)
        losses.append(loss.mean().asscalar())
with autograd.train_mode():
    draws = nd.concat(*(net(nd.array(features[384:])) for _ in range(20)), dim=1).asnumpy()
print("mean predictive standard deviation", draws.std(axis=1).mean())
print(f"loss {np.mean(losses[:5]):.3f} -> {np.mean(losses[-5:]):.3f}")
