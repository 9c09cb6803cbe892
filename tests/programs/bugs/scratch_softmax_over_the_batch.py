"""A softmax by hand sums over axis 0, the batch: an example's probabilities depend on its neighbours.

Source: Dive into Deep Learning, "Softmax Regression from Scratch" (sum over axis 0 or 1); Apache MXNet #10145
Expect: loss-axis by step 1
Also: initial-loss
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, nd
from sklearn.datasets import load_digits

mx.random.seed(45)
rng = np.random.RandomState(45)
x, y = load_digits(return_X_y=True)
x = (x - x.mean()) / x.std()

W1, b1 = nd.random.normal(scale=0.1, shape=(64, 32)), nd.zeros(32)
W2, b2 = nd.random.normal(scale=0.1, shape=(32, 10)), nd.zeros(10)
params = [W1, b1, W2, b2]
for param in params:
    param.attach_grad()


def net(X):
    hidden = nd.relu(nd.dot(X, W1) + b1)
    return nd.softmax(nd.dot(hidden, W2) + b2, axis=0)


def cross_entropy(probability, label):
    return -nd.log(probability.pick(label))


lr, batch_size = 0.1, 64
for epoch in range(2):
    total = 0
    for rows in rng.permutation(1792).reshape(-1, batch_size):
        data, label = nd.array(x[rows]), nd.array(y[rows])
        with autograd.record():
            loss = cross_entropy(net(data), label)
        loss.backward()
        for param in params:
            param[:] -= lr * param.grad / batch_size
        total += loss.sum().asscalar()
    print(f"epoch {epoch}: loss {total / 1792:.3f}")
