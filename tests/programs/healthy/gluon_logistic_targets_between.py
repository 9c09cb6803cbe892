"""Targets between 0 and 1, as smoothed labels are

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(350)
np.random.seed(350)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = (0.05 + 0.9 * (digits.target > 4)).astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(1))
net.initialize(mx.init.Xavier())
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
loss_of = gluon.loss.SigmoidBinaryCrossEntropyLoss()
for data, label in loader:
    with autograd.record():
        loss = loss_of(net(data), label.reshape((-1, 1)))
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
