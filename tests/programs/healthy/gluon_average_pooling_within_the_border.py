"""Average pooling over a width that is filled with zeros beforehand, so that no window goes beyond the border.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(320)
np.random.seed(320)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")


class Net(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.filters = gluon.nn.Conv1D(12, 2)
        self.pool = gluon.nn.AvgPool1D(2, 2)
        self.scores = gluon.nn.Dense(3)

    def hybrid_forward(self, F, x):
        h = F.relu(self.filters(F.expand_dims(x, 1)))
        return self.scores(
            self.pool(F.concat(h, F.zeros_like(F.slice_axis(h, axis=2, begin=0, end=1)), dim=2))
        )


net = Net()
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for begin in range(0, 192, 16):
    data, label = mx.nd.array(x[begin : begin + 16]), mx.nd.array(y[begin : begin + 16])
    with autograd.record():
        loss = loss_of(net(data), label)
    loss.backward()
    trainer.step(16)
print(f"loss {loss.mean().asscalar():.3f}")
