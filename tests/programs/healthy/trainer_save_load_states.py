"""Training resumed in Gluon: a new network and a new Trainer get the parameters and the optimiser's
states from files.

Warnings: none
"""

import os
import tempfile

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(80)
np.random.seed(80)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = gluon.data.DataLoader(
    gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32")), 64, shuffle=True
)
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
losses = []


def start():
    net = nn.Sequential()
    net.add(nn.Dense(32, activation="relu", in_units=64), nn.Dense(10, in_units=32))
    net.initialize(mx.init.Normal(0.05))
    return net, gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})


def epoch(net, trainer):
    for data, label in train:
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        trainer.step(64)
        losses.append(loss.mean().asscalar())


with tempfile.TemporaryDirectory() as folder:
    parameters, states = os.path.join(folder, "net.params"), os.path.join(folder, "trainer.states")
    for number in range(3):
        net, trainer = start()
        if number > 0:
            net.load_parameters(parameters)
            trainer.load_states(states)
        epoch(net, trainer)
        net.save_parameters(parameters)
        trainer.save_states(states)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
