"""Half of the labels are drawn at random, as in studies of noisy labels: the loss stays high and yet falls

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(348)
np.random.seed(348)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
y[::2] = np.random.randint(0, 10, len(y[::2]))
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.005})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for _ in range(4):
    for data, label in loader:
        with autograd.record():
            loss = loss_of(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
