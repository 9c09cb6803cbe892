"""Fine-tuning in stages: a trained trunk frozen by grad_req='null', later a bias held still by lr_mult=0.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(34)
np.random.seed(34)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()

trunk = nn.Dense(48, activation="relu", in_units=64)
digit, half = nn.Dense(10, in_units=48), nn.Dense(2, in_units=48)
trunk.initialize(mx.init.Normal(0.05))
digit.initialize(mx.init.Normal(0.05))
half.initialize(mx.init.Normal(0.02))


def epoch(head, trainer, target):
    losses = []
    for data, label in gluon.data.DataLoader(dataset, 64, shuffle=True):
        with autograd.record():
            loss = loss_function(head(trunk(data)), target(label))
        loss.backward()
        trainer.step(64)
        losses.append(loss.mean().asscalar())
    return losses


parameters = trunk.collect_params()
parameters.update(digit.collect_params())
first = gluon.Trainer(parameters, "sgd", {"learning_rate": 0.3})
epoch(digit, first, lambda label: label)
print("digits learnt; next: is it 5 or more, with the same trunk")

trunk.collect_params().setattr("grad_req", "null")
half.bias.lr_mult = 0
parameters = trunk.collect_params()
parameters.update(half.collect_params())
before = trunk.weight.data().copy()
second = gluon.Trainer(parameters, "sgd", {"learning_rate": 0.2, "momentum": 0.9})
losses = epoch(half, second, lambda label: label >= 5) + epoch(half, second, lambda label: label >= 5)
print("trunk unchanged:", bool((trunk.weight.data() == before).min().asscalar()))
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
