"""A hybridised network is tested straight after its last step, while batch norm's statistics are being written.

Source: Apache MXNet #14357 (running statistics that differ with the way of running)
Expect: running-statistics by step 24
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(54)
np.random.seed(54)
digits = load_digits()
x = ((digits.images - digits.images.mean()) / digits.images.std()).astype("float32")[:, None]
y = digits.target.astype("float32")
train = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1536], y[:1536]), batch_size=64, shuffle=True)
test_x, test_y = mx.nd.array(x[1536:1792]), y[1536:1792]


def block(channels):
    out = nn.HybridSequential()
    out.add(nn.Conv2D(channels, 3, padding=1, use_bias=False), nn.BatchNorm(), nn.Activation("relu"))
    return out


net = nn.HybridSequential()
net.add(block(16), block(16), nn.MaxPool2D(), block(32), nn.GlobalAvgPool2D(), nn.Dense(10))
net.initialize(mx.init.Xavier())
net.hybridize(static_alloc=True, static_shape=True)
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
for epoch in range(2):
    for data, label in train:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
    guess = net(test_x).argmax(axis=1).asnumpy()
    print(f"epoch {epoch}: test accuracy {(guess == test_y).mean():.3f}")
