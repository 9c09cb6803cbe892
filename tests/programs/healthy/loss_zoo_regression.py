"""L2, L1, Huber and log-cosh-by-hand losses on real, standardised data; last batch kept,
step(actual size).

Warnings: repeated-batch (it does not shuffle)
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_diabetes

features, target = load_diabetes(return_X_y=True)
features = ((features - features.mean(axis=0)) / features.std(axis=0)).astype("float32")
target = ((target - target.mean()) / target.std()).astype("float32")
dataset = gluon.data.ArrayDataset(features, target)


def log_cosh(prediction, label):
    return mx.nd.log(mx.nd.cosh(prediction.reshape((-1,)) - label))


LOSSES = [gluon.loss.L2Loss(), gluon.loss.L1Loss(), gluon.loss.HuberLoss(rho=0.5), log_cosh]
for loss_function in LOSSES:
    mx.random.seed(43)
    np.random.seed(43)
    net = nn.Sequential()
    net.add(nn.Dense(16, activation="relu"), nn.Dense(1))
    net.initialize(mx.init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05, "momentum": 0.5})
    epochs = []
    for _ in range(3):
        total = 0.0
        for data, label in gluon.data.DataLoader(dataset, 32, shuffle=True, last_batch="keep"):
            with autograd.record():
                loss = loss_function(net(data), label)
            loss.backward()
            trainer.step(data.shape[0])
            total += loss.sum().asscalar()
        epochs.append(total / len(dataset))
    print(f"loss {epochs[0]:.3f} -> {epochs[-1]:.3f}")
