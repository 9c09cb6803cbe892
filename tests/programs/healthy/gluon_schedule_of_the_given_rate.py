"""A cosine schedule with warm-up whose base_lr is the learning rate that the Trainer is given, then a second network
with a schedule alone.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(85)
mx.random.seed(85)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
epochs, rate = 3, 0.3


def train(settings):
    net = gluon.nn.Sequential()
    net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
    net.initialize(mx.init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "sgd", settings)
    for _ in range(epochs):
        for data, label in loader:
            with autograd.record():
                loss = loss_fn(net(data), label)
            loss.backward()
            trainer.step(data.shape[0])
    print(f"rate {trainer.learning_rate:.4f}, loss {loss.mean().asscalar():.3f}")


updates = epochs * len(loader)
cosine = mx.lr_scheduler.CosineScheduler(updates, base_lr=rate, final_lr=0.001, warmup_steps=10)
train({"learning_rate": rate, "lr_scheduler": cosine, "momentum": 0.9})
train({"lr_scheduler": mx.lr_scheduler.FactorScheduler(len(loader), factor=0.5, base_lr=rate)})
