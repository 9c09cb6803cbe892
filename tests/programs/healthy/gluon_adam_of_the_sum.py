"""Adam on the sum of a batch's losses: it divides every gradient by its own size, and so a constant factor out again.

Warnings: mean-loss
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(64)
np.random.seed(64)
x = np.random.normal(size=(1024, 16)).astype("float32")
y = x[:, :4].argmax(axis=1).astype("float32")
net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(24, activation="relu"), gluon.nn.Dense(4))
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
batches = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), 64, shuffle=True)
for _ in range(3):
    for data, label in batches:
        with autograd.record():
            loss = loss_of(net(data), label)
        loss.backward()
        trainer.step(1)
print(f"loss {loss.mean().asscalar():.3f}")
