"""Two devices; allreduce_grads, clipping of the summed gradients, then update(batch_size): step()
in its two halves.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(82)
np.random.seed(82)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
devices, BATCH = [mx.cpu(0), mx.cpu(1)], 64

net = nn.HybridSequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Normal(0.05), ctx=devices)
net.hybridize()
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(
    net.collect_params(),
    "sgd",
    {"learning_rate": 0.2, "momentum": 0.9},
    kvstore="local",
    update_on_kvstore=False,
)
losses = []
for _ in range(2):
    for data, label in gluon.data.DataLoader(dataset, BATCH, shuffle=True):
        xs, ys = gluon.utils.split_and_load(data, devices), gluon.utils.split_and_load(label, devices)
        with autograd.record():
            pieces = [loss_function(net(x), y) for x, y in zip(xs, ys, strict=True)]
        for piece in pieces:
            piece.backward()
        trainer.allreduce_grads()
        for index in range(len(devices)):
            gradients = [parameter.list_grad()[index] for parameter in net.collect_params().values()]
            gluon.utils.clip_global_norm(gradients, 1.0 * BATCH)
        trainer.update(BATCH)
        losses.append(sum(piece.sum().asscalar() for piece in pieces) / BATCH)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
