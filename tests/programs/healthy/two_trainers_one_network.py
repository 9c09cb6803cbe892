"""One network, one backward, two Trainers: a small learning rate for the features, a large one for
the head.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(83)
np.random.seed(83)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32").reshape(-1, 1, 8, 8)
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))


class Net(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.features = nn.HybridSequential()
            self.features.add(nn.Conv2D(8, 3, activation="relu"), nn.MaxPool2D(2), nn.Flatten())
            self.head = nn.Dense(10)

    def hybrid_forward(self, F, x):
        return self.head(self.features(x))


net = Net()
net.initialize(mx.init.Normal(0.1))
net.hybridize()
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
slow = gluon.Trainer(net.features.collect_params(), "sgd", {"learning_rate": 0.05, "momentum": 0.9})
fast = gluon.Trainer(net.head.collect_params(), "adam", {"learning_rate": 0.01})
losses = []
for _ in range(2):
    for data, label in gluon.data.DataLoader(dataset, 64, shuffle=True):
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        slow.step(64)
        fast.step(64)
        losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
