"""Data parallelism by hand: parameters copied to two devices, gradients summed and broadcast,
manual sgd on each.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, nd
from mxnet.gluon.utils import split_and_load
from sklearn.datasets import load_digits

mx.random.seed(42)
rng = np.random.RandomState(42)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
devices = [mx.cpu(0), mx.cpu(1)]
start = [nd.random.normal(0, 0.1, (24, 64)), nd.zeros(24), nd.random.normal(0, 0.1, (10, 24)), nd.zeros(10)]


def copy_to(device):
    copies = [parameter.copyto(device) for parameter in start]
    for parameter in copies:
        parameter.attach_grad()
    return copies


def forward(x, parameters):
    w1, b1, w2, b2 = parameters
    hidden = nd.FullyConnected(x, w1, b1, num_hidden=24).tanh()
    return nd.FullyConnected(hidden, w2, b2, num_hidden=10)


def all_reduce(copies):
    for other in copies[1:]:
        copies[0][:] += other.as_in_context(copies[0].context)
    for other in copies[1:]:
        copies[0].copyto(other)


replicas = [copy_to(device) for device in devices]
BATCH = 64
losses = []
for _ in range(3):
    order = rng.permutation(1536)
    for begin in range(0, 1536, BATCH):
        rows = order[begin : begin + BATCH]
        xs, ys = split_and_load(images[rows], devices), split_and_load(labels[rows], devices)
        with autograd.record():
            pieces = [
                -nd.pick(nd.log_softmax(forward(x, replica)), y)
                for x, y, replica in zip(xs, ys, replicas, strict=True)
            ]
        for piece in pieces:
            piece.backward()
        for index in range(len(start)):
            all_reduce([replica[index].grad for replica in replicas])
        for replica in replicas:
            for parameter in replica:
                parameter[:] = parameter - 0.3 * parameter.grad / BATCH
        losses.append(np.mean([piece.mean().asscalar() for piece in pieces]))
same = all(np.array_equal(a.asnumpy(), b.asnumpy()) for a, b in zip(*replicas, strict=True))
print("replicas equal:", same)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
