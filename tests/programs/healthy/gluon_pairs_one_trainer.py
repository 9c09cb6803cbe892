"""Two towers learn together which pairs belong together, from passes whose targets are all 1 or all 0, with one Trainer

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(307)
np.random.seed(307)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
left, right = gluon.nn.Dense(16), gluon.nn.Dense(16)
for tower in (left, right):
    tower.initialize(mx.init.Xavier())
trainer = gluon.Trainer([*left.collect_params().values(), *right.collect_params().values()], "adam")
loss_of = gluon.loss.SigmoidBCELoss()
true, false = mx.nd.ones((64, 1)), mx.nd.zeros((64, 1))
for data, _ in loader:
    above, below = data[:, :32], data[:, 32:]
    for other, target in ((below, true), (below[::-1], false)):
        with autograd.record():
            scores = (left(above) * right(other)).sum(axis=1, keepdims=True)
            loss = loss_of(scores, target)
        loss.backward()
        trainer.step(64)
print(f"loss {loss.mean().asscalar():.3f}")
