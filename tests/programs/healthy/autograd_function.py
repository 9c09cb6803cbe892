"""A layer with its own gradient by autograd.Function: x * sigmoid(x), differentiated by hand.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits


class Swish(autograd.Function):
    def forward(self, x):
        gate = mx.nd.sigmoid(x)
        self.save_for_backward(x, gate)
        return x * gate

    def backward(self, dy):
        x, gate = self.saved_tensors
        return dy * (gate + x * gate * (1 - gate))


class Net(gluon.Block):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.hidden = gluon.nn.Dense(32)
            self.out = gluon.nn.Dense(10)

    def forward(self, x):
        return self.out(Swish()(self.hidden(x)))


mx.random.seed(33)
np.random.seed(33)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))

net = Net()
net.initialize(mx.init.Normal(0.06))
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
losses = []
for _ in range(2):
    for data, label in gluon.data.DataLoader(dataset, 64, shuffle=True):
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        trainer.step(len(data))
        losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
