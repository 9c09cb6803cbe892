"""A new Trainer is made in every epoch, to lower the learning rate: momentum starts again from zero.

Source: DeepSensor #47 (the optimiser is made again for each epoch), written for Gluon
Expect: optimizer-reset by step 29
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(32)
np.random.seed(32)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1792]
y = digits.target.astype("float32")[:1792]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(64, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()


def train_epoch(net, learning_rate):
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": learning_rate, "momentum": 0.9})
    total = 0
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
        total += loss.mean().asscalar()
    return total / len(loader)


for epoch in range(3):
    print(f"epoch {epoch}: loss {train_epoch(net, 0.05 * 0.5**epoch):.3f}")
