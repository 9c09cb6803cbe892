"""A fixed random-feature trunk computed outside record; the Trainer holds the last layer's
parameters only.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(35)
np.random.seed(35)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))

net = nn.HybridSequential()
features = nn.HybridSequential()
features.add(nn.Dense(128, activation="relu", weight_initializer=mx.init.Normal(0.12)), nn.Dropout(0.3))
head = nn.Dense(10, weight_initializer=mx.init.Normal(0.02))
net.add(features, head)
net.initialize()
trainer = gluon.Trainer(head.collect_params(), "sgd", {"learning_rate": 0.1})
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()

losses = []
for _ in range(3):
    for data, label in gluon.data.DataLoader(dataset, 64, shuffle=True):
        fixed = features(data)
        with autograd.record():
            loss = loss_function(head(fixed), label)
        loss.backward()
        trainer.step(64)
        losses.append(loss.mean().asscalar())
accuracy = (net(mx.nd.array(images[1536:])).asnumpy().argmax(axis=1) == labels[1536:]).mean()
print("test accuracy", accuracy)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
