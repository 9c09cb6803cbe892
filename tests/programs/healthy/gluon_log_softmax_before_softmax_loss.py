"""A network that ends in log_softmax under a loss that takes logits: log-probabilities stay what they are, and so does their gradient.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(63)
np.random.seed(63)
x = np.random.normal(size=(512, 16)).astype("float32")
y = x[:, :4].argmax(axis=1).astype("float32")


class Net(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.hidden = gluon.nn.Dense(24, activation="relu")
        self.scores = gluon.nn.Dense(4)

    def hybrid_forward(self, F, x):
        return F.log_softmax(self.scores(self.hidden(x)), axis=1)


net = Net()
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
batches = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), 32, shuffle=True)
for _ in range(3):
    for data, label in batches:
        with autograd.record():
            loss = loss_of(net(data), label)
        loss.backward()
        trainer.step(len(data))
print(f"loss {loss.mean().asscalar():.3f}")
