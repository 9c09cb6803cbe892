"""Shared trunk, two heads, two losses, one backward: once by autograd.backward([a, b]), once as (a
+ b).backward().

Warnings: repeated-batch (it does not shuffle)
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
ink = images.sum(axis=1)
ink = ((ink - ink.mean()) / ink.std()).astype("float32")
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"), ink[:1536])


class TwoHeads(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.trunk = nn.Dense(32, activation="relu")
            self.digit = nn.Dense(10)
            self.ink = nn.Dense(1)

    def hybrid_forward(self, F, x):
        features = self.trunk(x)
        return self.digit(features), self.ink(features)


def train(combine):
    mx.random.seed(30)
    np.random.seed(30)
    net = TwoHeads()
    net.initialize(mx.init.Normal(0.05))
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.03, "momentum": 0.5})
    classify, regress = gluon.loss.SoftmaxCrossEntropyLoss(), gluon.loss.L2Loss()
    losses = []
    for _ in range(2):
        for data, digit, amount in gluon.data.DataLoader(dataset, 48, shuffle=True):
            with autograd.record():
                scores, estimate = net(data)
                first, second = classify(scores, digit), regress(estimate, amount)
                total = first + second
            if combine:
                total.backward()
            else:
                autograd.backward([first, second])
            trainer.step(48)
            losses.append(total.mean().asscalar())
    return losses


separate, together = train(combine=False), train(combine=True)
print("the same:", np.allclose(separate, together, rtol=1e-3))
print(f"loss {separate[0]:.3f} -> {separate[-1]:.3f}")
