"""Adversarial training: a first backward for the gradient of the input (it also fills the
parameters' buffers, which are not applied), then a second forward and backward on the perturbed
batch, and one step.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(64)
np.random.seed(64)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
EPSILON = 0.1

net = nn.HybridSequential()
net.add(nn.Dense(48, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
net.hybridize()
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
losses = []
for _ in range(3):
    for data, label in gluon.data.DataLoader(dataset, 64, shuffle=True):
        data.attach_grad()
        with autograd.record():
            clean_loss = loss_function(net(data), label)
        clean_loss.backward()
        attacked = data + EPSILON * data.grad.sign()
        with autograd.record():
            loss = loss_function(net(attacked), label)
        loss.backward()
        trainer.step(64)
        losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
