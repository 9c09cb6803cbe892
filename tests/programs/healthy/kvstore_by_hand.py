"""KVStore used directly: gradients of two devices pushed, the optimiser runs at the store, weights
pulled back.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(62)
np.random.seed(62)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
devices, BATCH = [mx.cpu(0), mx.cpu(1)], 64

net = nn.HybridSequential()
net.add(nn.Dense(32, activation="relu", in_units=64), nn.Dense(10, in_units=32))
net.initialize(mx.init.Normal(0.05), ctx=devices)
parameters = list(net.collect_params().values())
store = mx.kv.create("local")
store.set_optimizer(mx.optimizer.SGD(learning_rate=0.1, momentum=0.9, rescale_grad=1 / BATCH))
for key, parameter in enumerate(parameters):
    store.init(key, parameter.list_data()[0])

loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
losses = []
for _ in range(2):
    for data, label in gluon.data.DataLoader(dataset, BATCH, shuffle=True):
        xs, ys = gluon.utils.split_and_load(data, devices), gluon.utils.split_and_load(label, devices)
        with autograd.record():
            pieces = [loss_function(net(x), y) for x, y in zip(xs, ys, strict=True)]
        autograd.backward(pieces)
        for key, parameter in enumerate(parameters):
            store.push(key, parameter.list_grad(), priority=-key)
            store.pull(key, parameter.list_data(), priority=-key)
        losses.append(sum(piece.sum().asscalar() for piece in pieces) / BATCH)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
