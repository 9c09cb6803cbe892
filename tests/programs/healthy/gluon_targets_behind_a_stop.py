"""Two views of each image: one side is predicted from the other, whose gradient is stopped on purpose

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(336)
np.random.seed(336)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
net, predictor = gluon.nn.HybridSequential(), gluon.nn.Dense(16)
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(16, activation="tanh"))
for each in (net, predictor):
    each.initialize(mx.init.Xavier())
trainer = gluon.Trainer([*net.collect_params().values(), *predictor.collect_params().values()], "adam")
for data, _ in loader:
    one, other = (data + 0.3 * mx.nd.random.normal(shape=data.shape) for _ in range(2))
    with autograd.record():
        target = mx.nd.L2Normalization(mx.nd.BlockGrad(net(other)))
        loss = -(mx.nd.L2Normalization(predictor(net(one))) * target).sum(axis=1)
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
