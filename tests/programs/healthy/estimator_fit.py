"""gluon.contrib.estimator.Estimator.fit with a validation set and its own metrics.

Warnings: none
"""

import logging

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon import nn
from mxnet.gluon.contrib.estimator import Estimator
from mxnet.gluon.contrib.estimator.event_handler import EpochEnd
from sklearn.datasets import load_digits

mx.random.seed(70)
np.random.seed(70)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
labels = labels.astype("float32")
train = gluon.data.DataLoader(gluon.data.ArrayDataset(images[:1536], labels[:1536]), 64, shuffle=True)
valid = gluon.data.DataLoader(gluon.data.ArrayDataset(images[1536:1792], labels[1536:1792]), 64)


class Record(EpochEnd):
    def __init__(self):
        self.losses = []

    def epoch_end(self, estimator, *args, **kwargs):
        self.losses.append(estimator.train_metrics[-1].get()[1])


net = nn.HybridSequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
record = Record()
estimator = Estimator(
    net=net,
    loss=gluon.loss.SoftmaxCrossEntropyLoss(),
    train_metrics=[mx.metric.Accuracy(), mx.metric.Loss()],
    trainer=gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9}),
    context=mx.cpu(),
)
estimator.logger.setLevel(logging.WARNING)
estimator.fit(train_data=train, val_data=valid, epochs=3, event_handlers=[record])
print("validation", [metric.get() for metric in estimator.val_metrics])
print(f"loss {record.losses[0]:.3f} -> {record.losses[-1]:.3f}")
