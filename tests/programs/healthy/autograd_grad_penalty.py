"""A penalty on the slope of the prediction: autograd.grad(create_graph=True) inside record, then
one backward.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from sklearn.datasets import load_diabetes

mx.random.seed(63)
np.random.seed(63)
features, target = load_diabetes(return_X_y=True)
features = ((features - features.mean(axis=0)) / features.std(axis=0)).astype("float32")[:416]
target = ((target - target.mean()) / target.std()).astype("float32")[:416]
train = gluon.data.DataLoader(gluon.data.ArrayDataset(features, target), 32, shuffle=True)

# MXNet has the second derivative of some operators only: of dense layers and the sigmoid it has.
net = nn.Sequential()
net.add(nn.Dense(16), nn.HybridLambda("sigmoid"), nn.Dense(1))
net.initialize(mx.init.Xavier())
loss_function = gluon.loss.L2Loss()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.02})

losses, penalties = [], []
for _ in range(6):
    for x, y in train:
        x.attach_grad()
        with autograd.record():
            prediction = net(x)
            (slope,) = autograd.grad(prediction, [x], create_graph=True, retain_graph=True)
            penalty = nd.square(slope).sum(axis=1)
            loss = loss_function(prediction, y)
            total = loss + 0.1 * penalty
        total.backward()
        trainer.step(32)
        losses.append(loss.mean().asscalar())
        penalties.append(penalty.mean().asscalar())
print("penalty", penalties[0], penalties[-1])
print(f"loss {np.mean(losses[:5]):.3f} -> {np.mean(losses[-5:]):.3f}")
