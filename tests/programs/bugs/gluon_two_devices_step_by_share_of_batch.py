"""Two devices share a batch of 64 and trainer.step gets the 32 of one: twice the mean is applied.

Source: The Straight Dope #165
Expect: mean-loss by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

devices = [mx.cpu(0), mx.cpu(1)]
per_device = 32
batch_size = per_device * len(devices)

np.random.seed(5)
mx.random.seed(5)
x, y = load_digits(return_X_y=True)
x = (x - x.mean()) / x.std()
dataset = gluon.data.ArrayDataset(x[:1792].astype("float32"), y[:1792].astype("float32"))
loader = gluon.data.DataLoader(dataset, batch_size=batch_size, shuffle=True)

net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier(), ctx=devices)
net.hybridize()
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})

for epoch in range(2):
    metric = mx.metric.Accuracy()
    for data, label in loader:
        data = gluon.utils.split_and_load(data, devices)
        label = gluon.utils.split_and_load(label, devices)
        with autograd.record():
            outputs = [net(part) for part in data]
            losses = [loss_fn(output, part) for output, part in zip(outputs, label, strict=True)]
        for loss in losses:
            loss.backward()
        trainer.step(per_device)
        metric.update(label, outputs)
    print("epoch", epoch, metric.get())
