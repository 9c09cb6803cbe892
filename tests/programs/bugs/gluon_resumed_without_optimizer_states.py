"""Training is resumed from a checkpoint that has the parameters but not Adam's moments and step counts.

Source: Apache MXNet #4124
Expect: optimizer-reset by step 57
"""

import os
import tempfile

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(34)
mx.random.seed(34)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1792]
y = digits.target.astype("float32")[:1792]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()


def build():
    net = gluon.nn.Sequential(prefix="mlp_")
    with net.name_scope():
        net.add(gluon.nn.Dense(64, activation="relu", in_units=64), gluon.nn.Dense(10, in_units=64))
    return net


def train(net, epochs):
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.002})
    for epoch in epochs:
        for data, label in loader:
            with autograd.record():
                loss = loss_fn(net(data), label)
            loss.backward()
            trainer.step(data.shape[0])
        print(f"epoch {epoch}: loss of the last batch {loss.mean().asscalar():.3f}")


with tempfile.TemporaryDirectory() as folder:
    checkpoint = os.path.join(folder, "mlp.params")
    net = build()
    net.initialize(mx.init.Normal(0.1))
    train(net, range(2))
    net.save_parameters(checkpoint)

    net = build()
    net.load_parameters(checkpoint)
    train(net, range(2, 4))
