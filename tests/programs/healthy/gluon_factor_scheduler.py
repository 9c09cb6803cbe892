"""FactorScheduler counted in updates, and a MultiFactorScheduler; a convolutional net with
depthwise layers.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, lr_scheduler
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(95)
np.random.seed(95)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32").reshape(-1, 1, 8, 8)
train = gluon.data.DataLoader(
    gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32")), 64, shuffle=True
)
PER_EPOCH = len(train)
SCHEDULES = [
    lr_scheduler.FactorScheduler(step=PER_EPOCH, factor=0.7, base_lr=0.02),
    lr_scheduler.MultiFactorScheduler(step=[PER_EPOCH, PER_EPOCH * 3 // 2], factor=0.3, base_lr=0.02),
]
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
for schedule in SCHEDULES:
    net = nn.HybridSequential()
    net.add(nn.Conv2D(8, 3, activation="relu"), nn.Conv2D(8, 3, groups=8, activation="relu"))
    net.add(nn.Conv2D(16, 1, activation="relu"), nn.MaxPool2D(2), nn.Dense(10))
    net.initialize(mx.init.Xavier(magnitude=1.5))
    net.hybridize(static_alloc=True)
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.02, "lr_scheduler": schedule})
    losses = []
    for _ in range(2):
        for data, label in train:
            with autograd.record():
                loss = loss_function(net(data), label)
            loss.backward()
            trainer.step(64)
            losses.append(loss.mean().asscalar())
    print("learning rate at the end", trainer.learning_rate)
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
