"""Sequences are pooled into mean and standard deviation; np.std has no gradient in MXNet 1.9.1, the layer below learns from the mean alone.

Expect: loss-derivative by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, npx

mx.random.seed(302)
np.random.seed(302)
npx.set_np()
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")


class Net(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.frames = gluon.nn.Dense(12, flatten=False, activation="tanh")
        self.scores = gluon.nn.Dense(3)

    def hybrid_forward(self, F, x):
        h = self.frames(x.reshape(-1, 4, 2))
        mean = F.np.mean(h, axis=1)
        spread = F.np.std(h, axis=1)
        return self.scores(F.np.concatenate([mean, spread], axis=1))


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
