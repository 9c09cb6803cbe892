"""A perceptron from scratch whose list of parameters to update lacks the last bias.

Source: nntrainer #219 (the update of the bias missing from SGD), written for MXNet
Expect: frozen-parameter by step 56 (the last: it is known at the end)
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, nd
from sklearn.datasets import load_digits

mx.random.seed(29)
rng = np.random.RandomState(29)
digits = load_digits()
pixels = (digits.data - digits.data.mean()) / digits.data.std()

W1 = nd.random.normal(scale=0.1, shape=(64, 32))
b1 = nd.zeros(32)
W2 = nd.random.normal(scale=0.1, shape=(32, 10))
b2 = nd.zeros(10)
for array in (W1, b1, W2, b2):
    array.attach_grad()
params = [W1, b1, W2]


def SGD(params, lr):
    for param in params:
        param[:] = param - lr * param.grad


for epoch in range(2):
    right = 0
    for rows in rng.permutation(1792).reshape(-1, 64):
        data, label = nd.array(pixels[rows]), nd.array(digits.target[rows])
        with autograd.record():
            scores = nd.dot(nd.relu(nd.dot(data, W1) + b1), W2) + b2
            loss = -nd.log_softmax(scores).pick(label).mean()
        loss.backward()
        SGD(params, 0.3)
        right += int((scores.argmax(axis=1) == label).sum().asscalar())
    print(f"epoch {epoch}: accuracy {right / 1792:.3f}")
