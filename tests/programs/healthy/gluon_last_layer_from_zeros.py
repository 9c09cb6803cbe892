"""The last layer begins with zeros, so that all scores are equal at first; the gradient tells its rows apart

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(342)
np.random.seed(342)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10, weight_initializer=mx.init.Zero()))
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for data, label in loader:
    with autograd.record():
        loss = loss_of(net(data), label)
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
