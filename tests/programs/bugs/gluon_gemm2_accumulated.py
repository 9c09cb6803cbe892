"""Products by linalg.gemm2 under grad_req 'add': MXNet 1.9.1 does not add to the gradient, and may leave garbage in it.

Expect: loss-derivative by step 2
Process: own, as in which of four pieces of memory it adds depends on all that ran before, and with luck it is right
Besides: non-finite, where the memory that is left in a gradient holds such numbers
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(309)
np.random.seed(309)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")


class Net(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.weight = self.params.get("weight", shape=(8, 12))
        self.scores = gluon.nn.Dense(3)

    def hybrid_forward(self, F, x, weight):
        return self.scores(F.tanh(F.linalg.gemm2(x, weight)))


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
