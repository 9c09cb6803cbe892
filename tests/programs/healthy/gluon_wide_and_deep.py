"""A linear path beside a deep one, summed: two dense layers meet without being in a row. Max-norm
after each step.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_breast_cancer

mx.random.seed(92)
np.random.seed(92)
features, labels = load_breast_cancer(return_X_y=True)
features = ((features - features.mean(axis=0)) / features.std(axis=0)).astype("float32")
dataset = gluon.data.ArrayDataset(features[:544], labels[:544].astype("float32"))


class WideAndDeep(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.wide = nn.Dense(2, use_bias=False)
            self.deep = nn.HybridSequential()
            self.deep.add(nn.Dense(16, activation="relu"), nn.Dense(8, activation="relu"), nn.Dense(2))

    def hybrid_forward(self, F, x):
        return self.wide(x) + self.deep(x)


net = WideAndDeep()
net.initialize(mx.init.Normal(0.03))
net.hybridize()
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
losses = []
for _ in range(3):
    for data, label in gluon.data.DataLoader(dataset, 32, shuffle=True):
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        trainer.step(32)
        for parameter in net.collect_params(".*weight").values():
            weight = parameter.data()
            length = weight.norm(axis=1, keepdims=True)
            parameter.set_data(weight * mx.nd.minimum(1, 1.5 / (length + 1e-8)))
        losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
