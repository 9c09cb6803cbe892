"""A network never hybridised with batch normalisation (one without scale): its statistics are there
at once.

Warnings: batch-norm
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(102)
np.random.seed(102)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32").reshape(-1, 1, 8, 8)
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
test_images, test_labels = mx.nd.array(images[1536:]), mx.nd.array(labels[1536:])

# scale=False: the layer after the ReLU can scale as well as gamma could.
net = nn.Sequential()
net.add(nn.Conv2D(8, 3, use_bias=False), nn.BatchNorm(scale=False), nn.Activation("relu"))
net.add(nn.MaxPool2D(2), nn.Dense(32), nn.BatchNorm(), nn.Activation("relu"), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
losses = []
for _ in range(2):
    for data, label in gluon.data.DataLoader(dataset, 64, shuffle=True):
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        trainer.step(64)
        losses.append(loss.mean().asscalar())
    accuracy = (net(test_images).argmax(axis=1) == test_labels).mean().asscalar()
    print("test accuracy", accuracy)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
