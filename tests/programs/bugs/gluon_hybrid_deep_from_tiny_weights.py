"""Six layers begin with weights of 0.01: what arrives at the output is its bias, whatever the image.

Expect: constant-output by step 16
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(341)
np.random.seed(341)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
net = gluon.nn.HybridSequential()
net.add(*(gluon.nn.Dense(32, activation="tanh") for _ in range(5)), gluon.nn.Dense(10))
net.initialize(mx.init.Uniform(0.01))
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for data, label in loader:
    with autograd.record():
        loss = loss_of(net(data), label)
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
