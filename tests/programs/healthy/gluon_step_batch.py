"""The plainest Gluon loop: a vector of losses, backward of it (their sum), step(batch_size) makes
it the mean.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(20)
np.random.seed(20)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
labels = labels.astype("float32")
train = gluon.data.DataLoader(gluon.data.ArrayDataset(images[:1536], labels[:1536]), 64, shuffle=True)
test_images, test_labels = mx.nd.array(images[1536:]), labels[1536:]

net = nn.Sequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Normal(0.05))
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})

losses = []
for epoch in range(3):
    for data, label in train:
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
        losses.append(loss.mean().asscalar())
    accuracy = (net(test_images).argmax(axis=1).asnumpy() == test_labels).mean()
    print(f"epoch {epoch}: test accuracy {accuracy:.3f}")
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
