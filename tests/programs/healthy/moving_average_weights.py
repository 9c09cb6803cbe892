"""An exponential moving average of the weights in a second network, which is only ever evaluated;
then it is swapped in.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(73)
np.random.seed(73)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("float32"))
test_images, test_labels = mx.nd.array(images[1536:]), mx.nd.array(labels[1536:])


def network():
    net = nn.HybridSequential()
    net.add(nn.Dense(32, activation="relu", in_units=64), nn.Dense(10, in_units=32))
    net.initialize(mx.init.Normal(0.05))
    return net


net, average = network(), network()
pairs = list(zip(average.collect_params().values(), net.collect_params().values(), strict=True))
for slow, fast in pairs:
    slow.set_data(fast.data())
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2, "momentum": 0.9})
losses = []
for _ in range(3):
    for data, label in gluon.data.DataLoader(dataset, 64, shuffle=True):
        with autograd.record():
            loss = loss_function(net(data), label)
        loss.backward()
        trainer.step(64)
        for slow, fast in pairs:
            slow.data()[:] = 0.95 * slow.data() + 0.05 * fast.data()
        losses.append(loss.mean().asscalar())
    scores = average(test_images)
    print("test accuracy of the average", (scores.argmax(axis=1) == test_labels).mean().asscalar())
for slow, fast in pairs:
    fast.set_data(slow.data())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
