"""The learning rate set by hand before every step (warm-up, then decay by epoch), with momentum
carried throughout.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(96)
np.random.seed(96)
images, labels = load_digits(return_X_y=True)
images = (images / 16).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
train = gluon.data.DataLoader(
    dataset.transform_first(lambda x: (x - 0.305) / 0.376), 64, shuffle=True, num_workers=0
)

net = nn.HybridSequential()
net.add(nn.Dense(48), nn.BatchNorm(scale=True, momentum=0.8), nn.LeakyReLU(0.1), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.0, "momentum": 0.9, "wd": 1e-4})
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
losses, step = [], 0
for epoch in range(3):
    for data, label in train:
        step += 1
        trainer.set_learning_rate(0.2 * min(1, step / 20) * 0.3 ** max(0, epoch - 1))
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        trainer.step(64)
        losses.append(loss.mean().asscalar())
    print("epoch", epoch, "learning rate", trainer.learning_rate)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
