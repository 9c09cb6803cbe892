"""A layer that this task does not use, on two devices: the store hands its zeros to the update, and no gradient is stale.

Warnings: frozen-parameter
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(72)
mx.random.seed(72)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1280]
y = digits.target.astype("float32")[:1280]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)


class Classifier(nn.Block):
    def __init__(self):
        super().__init__()
        self.output, self.other_task = nn.Dense(10, in_units=64), nn.Dense(2, in_units=64)

    def forward(self, images):
        return self.output(images)


devices = [mx.cpu(0), mx.cpu(1)]
net = Classifier()
net.initialize(mx.init.Xavier(), ctx=devices)
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
for data, label in loader:
    images, labels = (gluon.utils.split_and_load(each, devices) for each in (data, label))
    with autograd.record():
        losses = [loss_fn(net(x), y) for x, y in zip(images, labels, strict=True)]
    autograd.backward(losses)
    trainer.step(data.shape[0], ignore_stale_grad=True)
print(f"loss {losses[0].mean().asscalar():.3f}")
