"""One embedding network applied three times in one record (anchor, positive, negative):
TripletLoss, one backward.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(47)
rng = np.random.RandomState(47)
images, labels = load_digits(return_X_y=True)
images = ((images - images.mean()) / images.std()).astype("float32")
by_class = [np.flatnonzero(labels == digit) for digit in range(10)]


def triplets(count):
    classes = rng.randint(0, 10, count)
    others = (classes + rng.randint(1, 10, count)) % 10
    columns = [[rng.choice(by_class[c]) for c in column] for column in (classes, classes, others)]
    return [mx.nd.array(images[column]) for column in columns]


net = nn.HybridSequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(8))
net.initialize(mx.init.Xavier(magnitude=0.5))
net.hybridize(static_alloc=True)
loss_function = gluon.loss.TripletLoss(margin=1.0)
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.003})
losses = []
for _ in range(50):
    anchor, positive, negative = triplets(32)
    with autograd.record():
        loss = loss_function(net(anchor), net(positive), net(negative))
    loss.backward()
    trainer.step(32)
    losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {np.mean(losses[-5:]):.3f}")
