"""The average of the weights over time is kept in a second network, which starts as a copy and takes each new average by set_data.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(377)
np.random.seed(377)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)


class Small(gluon.nn.HybridBlock):
    def __init__(self, **scope):
        super().__init__(**scope)
        with self.name_scope():
            self.hidden, self.out = gluon.nn.Dense(32, in_units=64), gluon.nn.Dense(10, in_units=32)

    def hybrid_forward(self, F, x):
        return self.out(F.relu(self.hidden(x)))


net = Small(prefix="net_")
net.initialize(mx.init.Xavier())
average = Small(prefix="average_")
average.initialize()
for mean, now in zip(average.collect_params().values(), net.collect_params().values(), strict=True):
    mean.set_data(now.data())
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for data, label in loader:
    with autograd.record():
        loss = loss_of(net(data), label)
    loss.backward()
    trainer.step(data.shape[0])
    for mean, now in zip(average.collect_params().values(), net.collect_params().values(), strict=True):
        mean.set_data(0.9 * mean.data() + 0.1 * now.data())
print(f"loss {loss.mean().asscalar():.3f}")
