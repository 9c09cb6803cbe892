"""Each example's loss is a row, its weight a column: their product is a square, every loss times every weight.

Expect: broadcast-pairs by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(201)
np.random.seed(201)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
net = gluon.nn.Sequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05, "momentum": 0.9})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
weights = np.where(y == 8, 4.0, 1.0).astype("float32").reshape(-1, 1)
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408], weights[:1408]), 64, shuffle=True)
for data, label, weight in loader:
    with autograd.record():
        loss = (loss_of(net(data), label) * weight).mean()
    loss.backward()
    trainer.step(1)
print(f"loss {loss.asscalar():.3f}")
