"""A small residual network, hybridised with static_alloc and static_shape; waitall before
evaluating and saving.

The convolutions before batch normalisation keep their biases, as in MXNet's own model zoo: their
true gradient is zero.

Warnings: none
"""

import os
import tempfile

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(22)
np.random.seed(22)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32").reshape(-1, 1, 8, 8)
train = gluon.data.DataLoader(
    gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32")), 64, shuffle=True
)
test_images, test_labels = mx.nd.array(images[1536:]), mx.nd.array(labels[1536:])


class Residual(nn.HybridBlock):
    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.body = nn.HybridSequential()
            self.body.add(nn.Conv2D(channels, 3, padding=1), nn.BatchNorm(), nn.Activation("relu"))
            self.body.add(nn.Conv2D(channels, 3, padding=1), nn.BatchNorm())

    def hybrid_forward(self, F, x):
        return F.Activation(self.body(x) + x, act_type="relu")


net = nn.HybridSequential()
net.add(nn.Conv2D(8, 3), nn.BatchNorm(), nn.Activation("relu"), Residual(8), Residual(8))
net.add(nn.GlobalAvgPool2D(), nn.Dense(10, weight_initializer=mx.init.Normal(0.1)))
net.initialize(mx.init.MSRAPrelu())
net.hybridize(static_alloc=True, static_shape=True)
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9, "wd": 1e-4})

losses = []
for _ in range(2):
    for data, label in train:
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        trainer.step(64)
        losses.append(loss.mean().asscalar())
    mx.nd.waitall()
    print("test accuracy", (net(test_images).argmax(axis=1) == test_labels).mean().asscalar())
with tempfile.TemporaryDirectory() as folder:
    mx.nd.waitall()
    net.save_parameters(os.path.join(folder, "net.params"))
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
