"""Hidden layers kept in a Python list are not registered: collect_params() misses them and they stay random.

Source: Apache MXNet #9148
Expect: frozen-parameter by step 56 (the last: it is known at the end)
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(26)
np.random.seed(26)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1792]
y = digits.target.astype("float32")[:1792]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)


class MLP(gluon.Block):
    def __init__(self, widths):
        super().__init__()
        with self.name_scope():
            self.hidden = [nn.Dense(width, activation="relu") for width in widths]
            self.output = nn.Dense(10)
        for layer in self.hidden:
            layer.initialize(mx.init.Xavier())

    def forward(self, data):
        for layer in self.hidden:
            data = layer(data)
        return self.output(data)


net = MLP([64, 32])
net.output.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()

for epoch in range(2):
    total = 0
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(len(label))
        total += loss.sum().asscalar()
    print(f"epoch {epoch}: loss {total / len(x):.3f}")
