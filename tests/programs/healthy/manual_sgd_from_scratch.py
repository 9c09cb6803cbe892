"""Softmax regression's bigger brother from scratch, as textbooks do it: param[:] = param - lr *
param.grad / batch.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, nd
from sklearn.datasets import load_digits

mx.random.seed(40)
rng = np.random.RandomState(40)
images, labels = load_digits(return_X_y=True)
images = nd.array((images - images[:1536].mean()) / images[:1536].std())
labels = nd.array(labels)

w1, b1 = nd.random.normal(0, 0.1, (64, 32)), nd.zeros(32)
w2, b2 = nd.random.normal(0, 0.1, (32, 10)), nd.zeros(10)
parameters = [w1, b1, w2, b2]
for parameter in parameters:
    parameter.attach_grad()


def net(x):
    return nd.dot(nd.relu(nd.dot(x, w1) + b1), w2) + b2


def cross_entropy(scores, label):
    exponentials = (scores - scores.max(axis=1, keepdims=True)).exp()
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    return -nd.pick(probabilities, label).log()


def sgd(parameters, learning_rate, batch_size):
    for parameter in parameters:
        parameter[:] = parameter - learning_rate * parameter.grad / batch_size


BATCH = 64
losses = []
for _ in range(3):
    order = rng.permutation(1536)
    for start in range(0, 1536, BATCH):
        rows = nd.array(order[start : start + BATCH])
        data, label = images.take(rows), labels.take(rows)
        with autograd.record():
            loss = cross_entropy(net(data), label)
        loss.backward()
        sgd(parameters, 0.3, BATCH)
        losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
