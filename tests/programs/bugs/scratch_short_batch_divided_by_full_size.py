"""The book's sgd() divides by a fixed batch size, also for the 8 examples that are left over at the end.

Source: Dive into Deep Learning, "Linear Regression Implementation from Scratch", exercise 8
Expect: partial-batch by step 32
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, nd

mx.random.seed(64)
rng = np.random.RandomState(64)
true_w, true_b = nd.array([2, -3.4]), 4.2
features = nd.random.normal(shape=(1000, 2))
labels = nd.dot(features, true_w) + true_b + nd.random.normal(scale=0.01, shape=1000)


def data_iter(batch_size, features, labels):
    indices = np.arange(len(features))
    rng.shuffle(indices)
    for i in range(0, len(indices), batch_size):
        j = nd.array(indices[i : i + batch_size])
        yield features.take(j), labels.take(j)


def linreg(X, w, b):
    return nd.dot(X, w) + b


def squared_loss(y_hat, y):
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def sgd(params, lr, batch_size):
    for param in params:
        param[:] = param - lr * param.grad / batch_size


w, b = nd.random.normal(scale=0.01, shape=(2, 1)), nd.zeros(1)
w.attach_grad()
b.attach_grad()
lr, num_epochs, batch_size = 0.1, 3, 32
for epoch in range(num_epochs):
    for X, y in data_iter(batch_size, features, labels):
        with autograd.record():
            loss = squared_loss(linreg(X, w, b), y)
        loss.backward()
        sgd([w, b], lr, batch_size)
    print(f"epoch {epoch + 1}, loss {squared_loss(linreg(features, w, b), labels).mean().asscalar():f}")
