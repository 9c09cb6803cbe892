"""Two tasks take turns with one body; the head that was not used is updated with its gradient of a batch ago.

Source: The Straight Dope #348
Expect: backward-once by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, nd
from sklearn.datasets import load_digits

mx.random.seed(14)
rng = np.random.RandomState(14)
x, digit = load_digits(return_X_y=True)
x = (x - x.mean()) / x.std()
large = (digit >= 5).astype("float32")


def weight(*shape):
    return nd.random.normal(scale=0.15, shape=shape)


body = [weight(64, 32), nd.zeros(32)]
digit_head = [weight(32, 10), nd.zeros(10)]
large_head = [weight(32, 2), nd.zeros(2)]
parameters = body + digit_head + large_head
for parameter in parameters:
    parameter.attach_grad()

learning_rate, batch_size = 0.2, 64
step = 0
for _ in range(2):
    order = rng.permutation(1792)
    for rows in order.reshape(-1, batch_size):
        head, labels = (digit_head, digit) if step % 2 == 0 else (large_head, large)
        with autograd.record():
            code = nd.relu(nd.dot(nd.array(x[rows]), body[0]) + body[1])
            scores = nd.dot(code, head[0]) + head[1]
            loss = -nd.log_softmax(scores).pick(nd.array(labels[rows]))
        loss.backward()
        for parameter in parameters:
            parameter[:] -= learning_rate / batch_size * parameter.grad
        step += 1
        if step % 28 in (0, 27):
            print(f"step {step}: {scores.shape[1]} classes, loss {loss.mean().asscalar():.3f}")
