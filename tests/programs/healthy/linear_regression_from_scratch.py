"""Linear regression on made-up data with a known answer; the update is an in-place `-=` of the mean
gradient.

Warnings: none
"""

import random

import mxnet as mx
from mxnet import autograd, nd

mx.random.seed(41)
random.seed(41)
true_w, true_b = nd.array([2, -3.4]), 4.2
features = nd.random.normal(0, 1, shape=(500, 2))
targets = nd.dot(features, true_w) + true_b + nd.random.normal(0, 0.01, shape=500)

w, b = nd.random.normal(0, 0.01, shape=(2, 1)), nd.zeros(1)
w.attach_grad()
b.attach_grad()


def minibatches(size):
    order = list(range(500))
    random.shuffle(order)
    for start in range(0, 500, size):
        rows = nd.array(order[start : start + size])
        yield features.take(rows), targets.take(rows)


losses = []
for _ in range(3):
    for x, y in minibatches(10):
        with autograd.record():
            loss = ((nd.dot(x, w) + b - y.reshape((-1, 1))) ** 2 / 2).mean()
        loss.backward()
        w -= 0.1 * w.grad
        b -= 0.1 * b.grad
        losses.append(loss.asscalar())
print("w", w.asnumpy().ravel(), "b", b.asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.5f}")
