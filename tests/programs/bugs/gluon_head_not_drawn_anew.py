"""The head is to be drawn anew for another task; the pattern lacks the network's prefix, and nothing is drawn.

Source: GluonNLP #333 (a pattern that matches no name)
Expect: empty-selection by step 20
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(67)
mx.random.seed(67)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
net = gluon.nn.Sequential(prefix="net_")
with net.name_scope():
    net.add(gluon.nn.Dense(32, activation="relu", prefix="body_"), gluon.nn.Dense(10, prefix="head_"))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()


def train(label, epochs):
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1280], label[:1280]), 128, shuffle=True)
    for _ in range(epochs):
        for data, target in loader:
            with autograd.record():
                loss = loss_fn(net(data), target)
            loss.backward()
            trainer.step(data.shape[0])
    print(f"loss {loss.mean().asscalar():.3f}")


train(y, 1)
net.collect_params("head_.*").initialize(mx.init.Xavier(), force_reinit=True)
train(9 - y, 1)
