"""Two tasks take turns: only the head in use has a fresh gradient, the other is left alone by
ignore_stale_grad.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(31)
np.random.seed(31)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))

trunk = nn.Dense(32, activation="relu", in_units=64, prefix="trunk_")
heads = [nn.Dense(10, in_units=32, prefix="digit_"), nn.Dense(2, in_units=32, prefix="odd_")]
parameters = gluon.ParameterDict()
for block in (trunk, *heads):
    block.initialize(mx.init.Normal(0.05))
    parameters.update(block.collect_params())
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(parameters, "sgd", {"learning_rate": 0.2})

losses = ([], [])
for _ in range(3):
    for index, (data, label) in enumerate(gluon.data.DataLoader(dataset, 32, shuffle=True)):
        task = index % 2
        target = label if task == 0 else label % 2
        with autograd.record():
            loss = loss_function(heads[task](trunk(data)), target)
        loss.backward()
        trainer.step(32, ignore_stale_grad=True)
        losses[task].append(loss.mean().asscalar())
print(f"odd or even: {losses[1][0]:.3f} -> {losses[1][-1]:.3f}")
print(f"loss {losses[0][0]:.3f} -> {losses[0][-1]:.3f}")
