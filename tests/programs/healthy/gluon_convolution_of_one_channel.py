"""A convolution of one channel, whose weight oneDNN keeps in a layout of its own where the processor has AVX-512.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn

mx.random.seed(66)
np.random.seed(66)
images = np.random.normal(size=(512, 1, 28, 28)).astype("float32")
labels = (images[:, 0, :14].mean(axis=(1, 2)) > images[:, 0, 14:].mean(axis=(1, 2))).astype("float32")

net = nn.HybridSequential()
net.add(nn.Conv2D(16, 5, padding=2), nn.MaxPool2D(2, 2), nn.Flatten(), nn.Dropout(0.3), nn.Dense(2))
net.initialize(mx.init.Xavier())
net.hybridize()
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.001})
batches = gluon.data.DataLoader(gluon.data.ArrayDataset(images, labels), 64, shuffle=True)
for _ in range(2):
    for data, label in batches:
        with autograd.record():
            loss = loss_of(net(data), label)
        loss.backward()
        trainer.step(len(data))
print(f"loss {loss.mean().asscalar():.3f}")
