"""Two backwards into grad_req='add' buffers for one update, the second graph kept by retain_graph,
cleared by hand.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(98)
np.random.seed(98)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))

trunk = nn.Dense(32, activation="relu", in_units=64)
digit, odd = nn.Dense(10, in_units=32), nn.Dense(2, in_units=32)
parameters = gluon.ParameterDict()
for block in (trunk, digit, odd):
    block.initialize(mx.init.Normal(0.05))
    parameters.update(block.collect_params())
parameters.setattr("grad_req", "add")
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(parameters, "sgd", {"learning_rate": 0.2})
losses, shares = [], []
for _ in range(3):
    for data, label in gluon.data.DataLoader(dataset, 64, shuffle=True):
        for parameter in parameters.values():
            parameter.zero_grad()
        with autograd.record():
            features = trunk(data)
            first = loss_function(digit(features), label)
            second = loss_function(odd(features), label % 2)
        first.backward(retain_graph=True)
        of_first = trunk.weight.grad().norm().asscalar()
        second.backward()
        shares.append(of_first / trunk.weight.grad().norm().asscalar())
        trainer.step(64)
        losses.append(first.mean().asscalar())
print("the first task's gradient against both", np.mean(shares))
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
