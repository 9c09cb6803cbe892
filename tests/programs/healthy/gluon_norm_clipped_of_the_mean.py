"""Gradient norms clipped in two right ways: of a mean loss before step(1); of a sum, to the limit times the batch
size, before step(batch_size).

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(86)
mx.random.seed(86)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()


def network():
    net = gluon.nn.Sequential()
    net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
    net.initialize(mx.init.Xavier())
    return net, gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})


for way in ("mean", "sum"):
    net, trainer = network()
    for data, label in loader:
        size = data.shape[0]
        with autograd.record():
            loss = loss_fn(net(data), label)
            if way == "mean":
                loss = loss.mean()
        loss.backward()
        gradients = [parameter.grad() for parameter in net.collect_params().values()]
        gluon.utils.clip_global_norm(gradients, 0.5 * size if way == "sum" else 0.5)
        trainer.step(size if way == "sum" else 1)
    print(f"{way}: loss {loss.mean().asscalar():.3f}")
