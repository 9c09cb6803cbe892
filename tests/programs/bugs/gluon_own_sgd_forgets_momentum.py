"""An SGD of one's own keeps the last weight by reference: "weight - previous" is 0, momentum never acts.

Source: Apache MXNet #5140
Expect: momentum by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(30)
mx.random.seed(30)


@mx.optimizer.register
class HeavyBall(mx.optimizer.SGD):
    """w += momentum * (w - previous w) - lr * (gradient + wd * w): SGD with momentum in one formula."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.aggregate_num = 0
        self.previous = {}

    def update(self, index, weight, grad, state):
        self._update_count(index)
        lr, wd = self._get_lr(index), self._get_wd(index)
        movement = weight - self.previous.get(index, weight)
        self.previous[index] = weight
        weight[:] += self.momentum * movement - lr * (self.rescale_grad * grad + wd * weight)

    def update_multi_precision(self, index, weight, grad, state):
        self.update(index, weight, grad, state)


x, y = load_digits(return_X_y=True)
x = ((x - x.mean()) / x.std()).astype("float32")
loader = gluon.data.DataLoader(
    gluon.data.ArrayDataset(x[:1792], y[:1792].astype("float32")), batch_size=64, shuffle=True
)
net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier())
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "heavyball", {"learning_rate": 0.05, "momentum": 0.9})
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
for epoch in range(2):
    total = 0
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
        total += loss.mean().asscalar()
    print(f"epoch {epoch}: loss {total / len(loader):.3f}")
