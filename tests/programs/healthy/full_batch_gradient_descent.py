"""The whole data set is the batch, each step: gradient descent without the word stochastic; same
input on purpose, and no iterator that has more.

Process: own
Warnings: none
"""

import mxnet as mx
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from sklearn.datasets import load_wine

mx.random.seed(97)
features, labels = load_wine(return_X_y=True)
features = nd.array((features - features.mean(axis=0)) / features.std(axis=0))
labels = nd.array(labels)

net = nn.Sequential()
net.add(nn.Dense(12, activation="tanh"), nn.Dense(3))
net.initialize(mx.init.Normal(0.1))
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2, "momentum": 0.9})
losses = []
for _ in range(25):
    with autograd.record():
        loss = loss_function(net(features), labels).mean()
    loss.backward()
    trainer.step(1)
    losses.append(loss.asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
