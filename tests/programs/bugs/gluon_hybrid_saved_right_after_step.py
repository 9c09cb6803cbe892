"""A hybridised network is saved right after trainer.step(), its running statistics still in flight.

Source: Apache MXNet #6010 (saving and loading parameters yields worse results)
Expect: running-statistics by step 28
"""

import os
import tempfile

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(53)
mx.random.seed(53)
digits = load_digits()
x = ((digits.images - digits.images.mean()) / digits.images.std()).astype("float32")[:1792, None]
y = digits.target.astype("float32")[:1792]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = nn.HybridSequential()
for channels in (16, 16, 32):
    net.add(nn.Conv2D(channels, 3, padding=1, use_bias=False), nn.BatchNorm(), nn.Activation("relu"))
net.add(nn.GlobalAvgPool2D(), nn.Dense(10))
net.initialize(mx.init.Xavier())
net.hybridize(static_alloc=True, static_shape=True)
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})

with tempfile.TemporaryDirectory() as folder:
    for epoch in range(2):
        for data, label in loader:
            with autograd.record():
                loss = loss_fn(net(data), label)
            loss.backward()
            trainer.step(data.shape[0])
        net.save_parameters(os.path.join(folder, f"epoch{epoch}.params"))
        print(f"epoch {epoch}: saved, loss of the last batch {loss.mean().asscalar():.3f}")
