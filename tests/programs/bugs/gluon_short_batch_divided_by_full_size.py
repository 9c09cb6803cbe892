"""The last batch of an epoch has 5 examples, and trainer.step(64) gives them the weight of 5/64 of a batch.

Source: Dive into Deep Learning, "Linear Regression from Scratch", exercise on the last, smaller batch
Expect: partial-batch by step 29
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(62)
mx.random.seed(62)
batch_size = 64
x, y = load_digits(return_X_y=True)
x = ((x - x.mean()) / x.std()).astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y.astype("float32")), batch_size, shuffle=True)

net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Normal(0.1))
net.hybridize()
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
for epoch in range(2):
    accuracy = mx.metric.Accuracy()
    for data, label in loader:
        with autograd.record():
            scores = net(data)
            loss = loss_fn(scores, label)
        loss.backward()
        trainer.step(batch_size)
        accuracy.update(label, scores)
    print(f"epoch {epoch}: {len(loader)} batches, {accuracy.get()}")
