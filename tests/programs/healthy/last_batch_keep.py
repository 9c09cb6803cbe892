"""A short last batch weighted by its own size: DataLoader(last_batch='keep') with
step(data.shape[0]), and 'rollover'.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(77)
np.random.seed(77)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1500].mean()) / images[:1500].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1500], labels[:1500].astype("float32"))

net = nn.HybridSequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
net.hybridize()
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
losses = []
for last_batch in ("keep", "rollover"):
    loader = gluon.data.DataLoader(dataset, 64, shuffle=True, last_batch=last_batch)
    for _ in range(2):
        sizes = set()
        for data, label in loader:
            with autograd.record():
                loss = loss_function(net(data), label)
            loss.backward()
            trainer.step(data.shape[0])
            sizes.add(data.shape[0])
            losses.append(loss.mean().asscalar())
        print(last_batch, "batch sizes", sorted(sizes))
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
