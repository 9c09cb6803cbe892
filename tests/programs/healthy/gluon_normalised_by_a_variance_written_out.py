"""A layer normalised by hand with the variance as a mean of squares, since np.var has no gradient in MXNet 1.9.1.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, npx

mx.random.seed(301)
np.random.seed(301)
npx.set_np()
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")


class Net(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.hidden, self.scores = gluon.nn.Dense(12), gluon.nn.Dense(3)

    def hybrid_forward(self, F, x):
        h = self.hidden(x)
        centred = h - F.np.mean(h, axis=1, keepdims=True)
        variance = F.np.mean(centred * centred, axis=1, keepdims=True)
        return self.scores(F.npx.relu(centred / F.np.sqrt(variance + 1e-5)))


net = Net()
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for begin in range(0, 192, 16):
    data, label = mx.np.array(x[begin : begin + 16]), mx.np.array(y[begin : begin + 16])
    with autograd.record():
        loss = loss_of(net(data), label)
    loss.backward()
    trainer.step(16)
print(f"loss {loss.mean().item():.3f}")
