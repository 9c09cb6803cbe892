"""Products over several batch axes by np.einsum, whose gradient is right where np.matmul's is not.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, npx

mx.random.seed(319)
np.random.seed(319)
npx.set_np()
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")


class Net(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.heads = self.params.get("heads", shape=(2, 1, 2, 6))
        self.scores = gluon.nn.Dense(3)

    def hybrid_forward(self, F, x, heads):
        frames = x.reshape(1, -1, 4, 2)
        h = F.np.einsum("nfi,hio->hnfo", frames[0], heads.reshape(2, 2, 6))
        return self.scores(F.np.tanh(h).transpose(1, 0, 2, 3))


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
