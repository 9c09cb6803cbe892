"""A binary classifier ends in a sigmoid, and SigmoidBinaryCrossEntropyLoss applies a second one.

Source: Apache MXNet #6939; #11651 (logistic regression tutorial)
Expect: double-softmax by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from sklearn.datasets import load_breast_cancer

mx.random.seed(44)
np.random.seed(44)
x, y = load_breast_cancer(return_X_y=True)
x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")[:544]
y = y.astype("float32")[:544]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=32, shuffle=True)


class Tumour(nn.Block):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.hidden = nn.Dense(16, activation="tanh")
            self.output = nn.Dense(1)

    def forward(self, x):
        return nd.sigmoid(self.output(self.hidden(x)))


net = Tumour()
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SigmoidBinaryCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
for epoch in range(3):
    total = 0
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
        total += loss.mean().asscalar()
    print(f"epoch {epoch}: loss {total / len(loader):.3f}")
