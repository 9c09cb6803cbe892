"""Gradient accumulation: grad_req='add', four micro-batches of 16, step(64), then zero_grad.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(24)
np.random.seed(24)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = gluon.data.DataLoader(
    gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32")), 16, shuffle=True
)

net = nn.HybridSequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
net.collect_params().setattr("grad_req", "add")
net.hybridize()
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2, "momentum": 0.9})

MICRO_BATCHES = 4
losses = []
for _ in range(3):
    for index, (data, label) in enumerate(train, start=1):
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        losses.append(loss.mean().asscalar())
        if index % MICRO_BATCHES == 0:
            trainer.step(MICRO_BATCHES * data.shape[0])
            net.collect_params().zero_grad()
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
