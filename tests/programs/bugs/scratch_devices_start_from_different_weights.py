"""Data parallelism by hand: gradients are summed, but each device drew its own first weights.

Source: Dive into Deep Learning, "Training on Multiple GPUs" (copy the parameters to each device first)
Expect: device-divergence by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, nd
from sklearn.datasets import load_digits

mx.random.seed(67)
rng = np.random.RandomState(67)
devices = [mx.cpu(0), mx.cpu(1)]
x, y = load_digits(return_X_y=True)
x = (x - x.mean()) / x.std()


def get_params(device):
    params = [
        nd.random.normal(scale=0.1, shape=(64, 32), ctx=device),
        nd.zeros(32, ctx=device),
        nd.random.normal(scale=0.1, shape=(32, 10), ctx=device),
        nd.zeros(10, ctx=device),
    ]
    for p in params:
        p.attach_grad()
    return params


def allreduce(data):
    for part in data[1:]:
        data[0][:] += part.copyto(data[0].context)
    for part in data[1:]:
        data[0].copyto(part)


device_params = [get_params(device) for device in devices]
lr, batch_size = 0.2, 64
for epoch in range(2):
    total = 0
    for rows in rng.permutation(1792).reshape(-1, batch_size):
        shards = np.split(rows, 2)
        with autograd.record():
            losses = []
            for params, shard, device in zip(device_params, shards, devices, strict=True):
                W1, b1, W2, b2 = params
                scores = nd.dot(nd.relu(nd.dot(nd.array(x[shard], ctx=device), W1) + b1), W2) + b2
                losses.append(-nd.log_softmax(scores).pick(nd.array(y[shard], ctx=device)))
        for loss in losses:
            loss.backward()
        for i in range(4):
            allreduce([params[i].grad for params in device_params])
        for params in device_params:
            for p in params:
                p[:] = p - lr * p.grad / batch_size
        total += sum(loss.sum().asscalar() for loss in losses)
    print(f"epoch {epoch}: loss {total / 1792:.3f}")
