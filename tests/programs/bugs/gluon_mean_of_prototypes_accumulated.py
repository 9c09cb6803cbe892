"""Gradients are accumulated over two parts of a batch (grad_req 'add'): MXNet 1.9.1's mean divides what was accumulated before, too.

Expect: loss-derivative by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(307)
np.random.seed(307)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")


class Net(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.prototypes = self.params.get("prototypes", shape=(5, 8))
        self.scores = gluon.nn.Dense(3)

    def hybrid_forward(self, F, x, prototypes):
        centre = F.mean(prototypes, axis=0, keepdims=True)
        return self.scores(F.tanh(F.broadcast_sub(x, centre)))


net = Net()
net.initialize(mx.init.Xavier())
net.collect_params().setattr("grad_req", "add")
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for begin in range(0, 192, 32):
    for part in (slice(begin, begin + 16), slice(begin + 16, begin + 32)):
        with autograd.record():
            loss = loss_of(net(mx.nd.array(x[part])), mx.nd.array(y[part]))
        loss.backward()
    trainer.step(32)
    net.collect_params().zero_grad()
print(f"loss {loss.mean().asscalar():.3f}")
