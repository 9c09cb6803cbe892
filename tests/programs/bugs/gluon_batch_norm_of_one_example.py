"""Batch norm over the features of a batch of one example: each feature is its own mean, so that all become 0.

Source: Apache MXNet #17863
Expect: batch-norm by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(51)
np.random.seed(51)
x, y = load_digits(return_X_y=True)
x = ((x - x.mean()) / x.std()).astype("float32")[:60]
loader = gluon.data.DataLoader(
    gluon.data.ArrayDataset(x, y[:60].astype("float32")), batch_size=1, shuffle=True
)

net = nn.Sequential()
net.add(nn.BatchNorm(scale=False), nn.Dense(32, activation="tanh"), nn.Dense(10))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.02})
for epoch in range(2):
    total = 0
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
        total += loss.mean().asscalar()
    print(f"epoch {epoch}: loss {total / len(loader):.3f}")
