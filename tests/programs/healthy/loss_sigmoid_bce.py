"""Several labels per image: SigmoidBinaryCrossEntropyLoss on logits, and on probabilities with
from_sigmoid=True.

Warnings: repeated-batch (it does not shuffle)
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
attributes = np.stack([labels % 2, labels >= 5, np.isin(labels, (0, 6, 8, 9))], axis=1).astype("float32")
dataset = gluon.data.ArrayDataset(images[:1536], attributes[:1536])

for from_sigmoid in (False, True):
    mx.random.seed(44)
    np.random.seed(44)
    net = nn.HybridSequential()
    net.add(nn.Dense(32, activation="relu"))
    net.add(nn.Dense(3, activation="sigmoid" if from_sigmoid else None))
    net.initialize(mx.init.Normal(0.05))
    net.hybridize()
    loss_function = gluon.loss.SigmoidBinaryCrossEntropyLoss(from_sigmoid=from_sigmoid)
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.3, "momentum": 0.9})
    losses = []
    for _ in range(2):
        for data, label in gluon.data.DataLoader(dataset, 64, shuffle=True):
            with autograd.record():
                loss = loss_function(net(data), label)
            loss.backward()
            trainer.step(64)
            losses.append(loss.mean().asscalar())
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
