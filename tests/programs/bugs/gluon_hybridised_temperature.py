"""A temperature is lowered from epoch to epoch as an attribute; the hybridised graph goes on with the first.

Expect: hybrid-constant by step 25
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(210)
np.random.seed(210)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")


class Annealed(gluon.nn.HybridBlock):
    def __init__(self):
        super().__init__()
        self.temperature = 4.0
        with self.name_scope():
            self.hidden, self.out = gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10)

    def hybrid_forward(self, F, x):
        return self.out(self.hidden(x)) / self.temperature


net = Annealed()
net.initialize(mx.init.Xavier())
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.005})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
for epoch in range(3):
    net.temperature = 4.0 / (epoch + 1)
    for data, label in loader:
        with autograd.record():
            loss = loss_of(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
