"""Knowledge distillation: the student's log_softmax against the teacher's softmax by KLDivLoss,
plus the true labels.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(46)
np.random.seed(46)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = gluon.data.DataLoader(
    gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32")), 64, shuffle=True
)
cross_entropy = gluon.loss.SoftmaxCrossEntropyLoss()
divergence = gluon.loss.KLDivLoss(from_logits=True)


def network(width):
    net = nn.Sequential()
    net.add(nn.Dense(width, activation="relu"), nn.Dense(10))
    net.initialize(mx.init.Normal(0.05))
    return net, gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})


teacher, trainer = network(64)
for _ in range(2):
    for data, label in train:
        with autograd.record():
            loss = cross_entropy(teacher(data), label)
        loss.backward()
        trainer.step(64)

TEMPERATURE = 2.0
student, trainer = network(16)
losses = []
for _ in range(3):
    for data, label in train:
        soft = nd.softmax(teacher(data) / TEMPERATURE)
        with autograd.record():
            scores = student(data)
            distance = divergence(nd.log_softmax(scores / TEMPERATURE), soft) * TEMPERATURE**2
            loss = 0.7 * distance + 0.3 * cross_entropy(scores, label)
        loss.backward()
        trainer.step(64)
        losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
