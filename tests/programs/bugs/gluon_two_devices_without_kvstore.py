"""kvstore=None with two devices: no gradients are exchanged, and two networks drift apart.

Source: Apache MXNet #10057 (workers that do not synchronise their parameters)
Expect: device-divergence by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(65)
mx.random.seed(65)
ctx = [mx.cpu(0), mx.cpu(1)]
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1792]
y = digits.target.astype("float32")[:1792]
batch_size = 64
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=batch_size, shuffle=True)

net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Normal(0.1), ctx=ctx)
net.hybridize()
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1}, kvstore=None)
for epoch in range(2):
    accuracy = mx.metric.Accuracy()
    for data, label in loader:
        data, label = gluon.utils.split_and_load(data, ctx), gluon.utils.split_and_load(label, ctx)
        with autograd.record():
            scores = [net(part) for part in data]
            losses = [loss_fn(score, part) for score, part in zip(scores, label, strict=True)]
        autograd.backward(losses)
        trainer.step(batch_size // len(ctx))
        accuracy.update(label, scores)
    print("epoch", epoch, accuracy.get())
