"""Ids are counted from 1, the embedding's rows from 0: the last id has no row of its own.

Expect: embedding-range by step 3
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(216)
np.random.seed(216)
tokens = np.random.randint(1, 21, (640, 6)).astype("float32")
y = (tokens.sum(axis=1) > 63).astype("float32")
net = gluon.nn.Sequential()
net.add(gluon.nn.Embedding(20, 8), gluon.nn.Dense(2))
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(tokens, y), 64, shuffle=True)
for data, label in loader:
    with autograd.record():
        loss = loss_of(net(data), label)
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
