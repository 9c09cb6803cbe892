"""A perceptron from scratch: sgd() divides by the batch size, and somebody made the loss a mean as well.

Source: Dive into Deep Learning, "Linear Regression Implementation from Scratch" (sgd divides by batch_size)
Expect: mean-loss by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, nd
from sklearn.datasets import load_digits

mx.random.seed(7)
rng = np.random.RandomState(7)
features, labels = load_digits(return_X_y=True)
features = nd.array((features - features.mean()) / features.std())[:1792]
labels = nd.array(labels)[:1792]

W1, b1 = nd.random.normal(scale=0.1, shape=(64, 32)), nd.zeros(32)
W2, b2 = nd.random.normal(scale=0.1, shape=(32, 10)), nd.zeros(10)
params = [W1, b1, W2, b2]
for param in params:
    param.attach_grad()


def data_iter(batch_size):
    order = rng.permutation(len(features))
    for i in range(0, len(order), batch_size):
        chosen = nd.array(order[i : i + batch_size])
        yield features.take(chosen), labels.take(chosen)


def net(X):
    return nd.dot(nd.relu(nd.dot(X, W1) + b1), W2) + b2


def cross_entropy(y_hat, y):
    return -nd.log_softmax(y_hat).pick(y)


def sgd(params, lr, batch_size):
    for param in params:
        param[:] = param - lr * param.grad / batch_size


batch_size, lr = 64, 0.5
for epoch in range(2):
    for X, y in data_iter(batch_size):
        with autograd.record():
            loss = cross_entropy(net(X), y).mean()
        loss.backward()
        sgd(params, lr, batch_size)
    print(f"epoch {epoch + 1}, loss {cross_entropy(net(features), labels).mean().asscalar():f}")
