"""One filter is applied in two directions, the second turned by an exchange of axes and a flip, whose gradients are right.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, npx

mx.random.seed(304)
np.random.seed(304)
npx.set_np()
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")


class Net(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.filter = self.params.get("filter", shape=(2, 4))
        self.scores = gluon.nn.Dense(3)

    def hybrid_forward(self, F, x, filter):
        turned = F.np.flip(F.np.swapaxes(filter, 0, 1), 0)
        first = F.np.dot(x.reshape(-1, 4, 2), filter)
        second = F.np.dot(x.reshape(-1, 2, 4), turned)
        return self.scores(F.np.concatenate([first.reshape(-1, 16), second.reshape(-1, 4)], axis=1))


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
