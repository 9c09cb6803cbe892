"""All pairs of a batch are compared on purpose: a column of squared norms meets the row of the same norms

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(202)
np.random.seed(202)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
net = gluon.nn.Dense(8)
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
for data, label in loader:
    same = mx.nd.broadcast_equal(label.expand_dims(1), label.expand_dims(0))
    with autograd.record():
        code = net(data)
        norms = (code**2).sum(axis=1)
        apart = norms.reshape((-1, 1)) + norms - 2 * mx.nd.dot(code, code, transpose_b=True)
        loss = (same * apart + (1 - same) * mx.nd.relu(4 - apart)).mean(axis=1)
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
