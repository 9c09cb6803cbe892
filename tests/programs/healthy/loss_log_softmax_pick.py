"""Cross-entropy by hand, four ways in turn: log_softmax and pick; log of softmax; log-sum-exp;
from_logits=True. Softmax itself only to predict.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(49)
np.random.seed(49)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = gluon.data.DataLoader(
    gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32")), 64, shuffle=True
)


def by_log_softmax(scores, label):
    return -nd.pick(nd.log_softmax(scores, axis=1), label, axis=1)


def by_softmax(scores, label):
    return -nd.pick(nd.softmax(scores), label).log()


def by_log_sum_exp(scores, label):
    top = scores.max(axis=1, keepdims=True)
    return ((scores - top).exp().sum(axis=1, keepdims=True).log() + top).reshape(-1) - nd.pick(scores, label)


given_logs = gluon.loss.SoftmaxCrossEntropyLoss(from_logits=True)


def by_gluon(scores, label):
    return given_logs(scores.log_softmax(), label)


net = nn.Sequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})
losses = []
for cross_entropy in (by_log_softmax, by_softmax, by_log_sum_exp, by_gluon):
    for data, label in train:
        with autograd.record():
            loss = cross_entropy(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
        losses.append(loss.mean().asscalar())
probabilities = net(nd.array(images[1536:])).softmax()
print("mean confidence", probabilities.max(axis=1).mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
