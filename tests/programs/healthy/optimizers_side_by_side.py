"""The same network trained by nine optimisers, a fresh start and a fresh Trainer for each.

Warnings: repeated-batch (it does not shuffle)
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
OPTIMIZERS = {
    "sgd": {"learning_rate": 0.1, "momentum": 0.9, "wd": 1e-3, "clip_gradient": 4.0},
    "nag": {"learning_rate": 0.1, "momentum": 0.9},
    "adam": {"learning_rate": 0.005},
    "rmsprop": {"learning_rate": 0.005, "centered": True},
    "adagrad": {"learning_rate": 0.05},
    "adadelta": {"rho": 0.9, "epsilon": 1e-4},
    "lamb": {"learning_rate": 0.05},
    "ftml": {"learning_rate": 0.02},
    "signum": {"learning_rate": 0.003, "momentum": 0.9},
}

for name, settings in OPTIMIZERS.items():
    mx.random.seed(37)
    np.random.seed(37)
    net = nn.HybridSequential()
    net.add(nn.Dense(24, activation="relu"), nn.Dense(10))
    net.initialize(mx.init.Normal(0.06))
    trainer = gluon.Trainer(net.collect_params(), name, settings)
    losses = []
    for data, label in gluon.data.DataLoader(dataset, 64, shuffle=True):
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        trainer.step(64)
        losses.append(loss.mean().asscalar())
    print(f"{name}: loss {losses[0]:.3f} -> {losses[-1]:.3f}")
