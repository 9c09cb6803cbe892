"""Gradients add up on two devices, and only those of the first are set to zero after a step.

Source: Apache MXNet #12859 (a parameter's gradient has one array for each device)
Expect: gradient-carryover by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(23)
np.random.seed(23)
ctx = [mx.cpu(0), mx.cpu(1)]
x, y = load_digits(return_X_y=True)
x = ((x - x.mean()) / x.std()).astype("float32")[:1280]
dataset = gluon.data.ArrayDataset(x, y[:1280].astype("float32"))
loader = gluon.data.DataLoader(dataset, batch_size=64, shuffle=True)

net = gluon.nn.Sequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier(), ctx=ctx)
net.collect_params().setattr("grad_req", "add")
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.005})

for epoch in range(2):
    total = 0
    for data, label in loader:
        halves = gluon.utils.split_and_load(data, ctx), gluon.utils.split_and_load(label, ctx)
        with autograd.record():
            losses = [loss_fn(net(part), truth) for part, truth in zip(*halves, strict=True)]
        autograd.backward(losses)
        trainer.step(data.shape[0])
        for parameter in net.collect_params().values():
            parameter.grad(ctx[0])[:] = 0
        total += sum(loss.sum().asscalar() for loss in losses)
    print(f"epoch {epoch}: loss {total / len(dataset):.3f}")
