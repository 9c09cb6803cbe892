"""A network without dropout and batch norm, scored in a recorded scope: its scores are those of prediction.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn

mx.random.seed(68)
np.random.seed(68)
x = np.random.normal(size=(512, 16)).astype("float32")
y = x[:, :4].argmax(axis=1).astype("float32")
net = nn.HybridSequential()
net.add(nn.Dense(24), nn.LeakyReLU(0.1), nn.Dense(4))
net.initialize(mx.init.Xavier())
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
batches = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), 32, shuffle=True)
for _ in range(3):
    for data, label in batches:
        with autograd.record():
            loss = loss_of(net(data), label)
        loss.backward()
        trainer.step(len(data))
        with autograd.record():
            right = (net(data).argmax(axis=1) == label).mean()
    print(f"accuracy {right.asscalar():.2f}")
