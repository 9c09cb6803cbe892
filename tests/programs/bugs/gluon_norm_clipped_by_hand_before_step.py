"""The norm is computed and clipped by hand before step() divides by the batch size: 1/64 of what was meant is left.

Source: GluonNLP #579; the clipping is that of Dive into Deep Learning, "Recurrent Neural Networks from Scratch"
Expect: clipped-sum by step 88
"""

import math

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(75)
mx.random.seed(75)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
net = gluon.nn.Sequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})


def clip(gradients, most):
    norm = math.sqrt(sum((gradient**2).sum().asscalar() for gradient in gradients))
    if norm > most:
        for gradient in gradients:
            gradient[:] *= most / norm


for epoch in range(4):
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        clip([parameter.grad() for parameter in net.collect_params().values()], 1.0)
        trainer.step(data.shape[0])
    print(f"epoch {epoch}: loss {loss.mean().asscalar():.3f}")
