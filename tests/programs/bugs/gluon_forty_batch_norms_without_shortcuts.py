"""Forty layers of Dense, BatchNorm and ReLU, no shortcuts: towards the first the gradient explodes.

Source: Dive into Deep Learning, "Numerical Stability and Initialization"; Apache MXNet #9478
Expect: exploding-gradient by step 20
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(70)
np.random.seed(70)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1792]
y = digits.target.astype("float32")[:1792]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = nn.HybridSequential()
for _ in range(40):
    net.add(nn.Dense(32, use_bias=False), nn.BatchNorm(), nn.Activation("relu"))
net.add(nn.Dense(10))
net.initialize(mx.init.Xavier())
net.hybridize()
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.0005})
for epoch in range(2):
    total = 0
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
        total += loss.mean().asscalar()
    print(f"epoch {epoch}: loss {total / len(loader):.3f}")
