"""CTCLoss: rows of digit columns read by a bidirectional LSTM; targets are padded with -1, the
blank is class 10.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn, rnn
from sklearn.datasets import load_digits

mx.random.seed(48)
rng = np.random.RandomState(48)
images, labels = load_digits(return_X_y=True)
images = ((images - images.mean()) / images.std()).astype("float32").reshape(-1, 8, 8)


def batch(size, places=3):
    """Two or three digits side by side: (size, 24 columns, 8 rows), and their numbers, padded with -1."""
    rows = rng.randint(0, len(images), (size, places))
    strips, targets = images[rows], labels[rows].astype("float32")
    short = rng.rand(size) < 0.5
    strips[short, -1] = images.min()
    targets[short, -1] = -1
    return mx.nd.array(strips.transpose(0, 1, 3, 2).reshape(size, -1, 8)), mx.nd.array(targets)


net = nn.Sequential()
net.add(rnn.LSTM(24, layout="NTC", bidirectional=True), nn.Dense(11, flatten=False))
net.initialize(mx.init.Xavier())
loss_function = gluon.loss.CTCLoss(layout="NTC", label_layout="NT")
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
losses = []
for _ in range(60):
    data, target = batch(32)
    with autograd.record():
        loss = loss_function(net(data), target)
    loss.backward()
    gluon.utils.clip_global_norm([p.grad() for p in net.collect_params().values()], 5.0 * 32)
    trainer.step(32)
    losses.append(loss.mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
