"""Adversarial training by autograd.grad: the attack, made in predict mode, touches no parameter's
gradient; the update is by clean and attacked examples together. At the end a saliency map, again
without training.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(65)
np.random.seed(65)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
net = nn.Sequential()
net.add(nn.Dense(48, activation="relu"), nn.Dropout(0.2), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.005})


def input_gradient(data, label):
    data.attach_grad()
    with autograd.record(train_mode=False):
        loss = loss_function(net(data), label)
    return autograd.grad(loss, [data], train_mode=False)[0]


losses = []
for _ in range(2):
    for data, label in gluon.data.DataLoader(dataset, 32, shuffle=True):
        attacked = data + 0.1 * nd.sign(input_gradient(data, label))
        both, twice = nd.concat(data, attacked, dim=0), nd.concat(label, label, dim=0)
        with autograd.record():
            loss = loss_function(net(both), twice)
        loss.backward()
        trainer.step(both.shape[0])
        losses.append(loss.mean().asscalar())
saliency = input_gradient(nd.array(images[1536:1540]), nd.array(labels[1536:1540])).abs()
print("most salient pixel of each image:", saliency.argmax(axis=1).asnumpy())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
