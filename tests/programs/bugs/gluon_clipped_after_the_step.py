"""Gradients are clipped below trainer.step: by then nobody reads them any more, and training is unclipped.

Source: Apache MXNet's forum, clip_global_norm has no effect
Expect: clipped-sum by step 5
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(50)
mx.random.seed(50)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1280]
y = digits.target.astype("float32")[:1280]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = nn.HybridSequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})

for data, label in loader:
    with autograd.record():
        loss = loss_fn(net(data), label).mean()
    loss.backward()
    trainer.step(1)
    gluon.utils.clip_global_norm([p.grad() for p in net.collect_params().values()], 0.25)
print(f"loss {loss.asscalar():.3f}")
