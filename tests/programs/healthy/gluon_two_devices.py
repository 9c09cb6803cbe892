"""split_and_load over two devices, batch normalisation on each, one step over the whole batch.

Each device keeps running statistics of its own half: those differ by design, the weights do not.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(23)
np.random.seed(23)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
train = gluon.data.DataLoader(dataset, batch_size=64, shuffle=True, last_batch="discard")

devices = [mx.cpu(0), mx.cpu(1)]
net = nn.Sequential()
net.add(nn.Dense(32), nn.BatchNorm(), nn.Activation("relu"), nn.Dense(10))
net.initialize(mx.init.Normal(0.05), ctx=devices)
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01}, kvstore="device")

losses = []
for _ in range(2):
    for data, label in train:
        parts = zip(
            gluon.utils.split_and_load(data, devices),
            gluon.utils.split_and_load(label, devices),
            strict=True,
        )
        with autograd.record():
            pieces = [loss_function(net(x), y) for x, y in parts]
        for piece in pieces:
            piece.backward()
        trainer.step(data.shape[0])
        losses.append(np.mean([piece.mean().asscalar() for piece in pieces]))
mx.nd.waitall()
for device in devices:
    scores = net(mx.nd.array(images[1536:], ctx=device)).asnumpy()
    print(device, "test accuracy", (scores.argmax(axis=1) == labels[1536:]).mean())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
