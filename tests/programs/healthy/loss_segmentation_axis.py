"""Fully convolutional segmentation in Gluon: SoftmaxCrossEntropyLoss(axis=1) averages the pixels of
each image.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(50)
np.random.seed(50)
raw = load_digits().images[:1024]
noisy = raw + np.random.normal(0, 3, raw.shape)
pixels = ((noisy - noisy.mean()) / noisy.std()).astype("float32")[:, None]
classes = np.digitize(raw, [4, 12]).astype("float32")
train = gluon.data.DataLoader(gluon.data.ArrayDataset(pixels, classes), 32, shuffle=True)

net = nn.HybridSequential()
net.add(nn.Conv2D(8, 3, padding=1, activation="relu"), nn.MaxPool2D(2))
net.add(nn.Conv2D(12, 3, padding=1, activation="relu"))
net.add(nn.Conv2DTranspose(8, 4, strides=2, padding=1), nn.LeakyReLU(0.1), nn.Conv2D(3, 1))
net.initialize(mx.init.Xavier(magnitude=1.5))
net.hybridize()
loss_function = gluon.loss.SoftmaxCrossEntropyLoss(axis=1)
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
losses = []
for _ in range(2):
    for data, label in train:
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
        losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
