"""Two devices: the gradients of each are clipped by their norm, and step() sums what is left.

Source: Apache MXNet #12859 (clip_global_norm and several devices)
Expect: clipped-sum by step 3
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(74)
mx.random.seed(74)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
devices = [mx.cpu(0), mx.cpu(1)]
net = gluon.nn.Sequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier(), ctx=devices)
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})

for epoch in range(2):
    for data, label in loader:
        parts = zip(*(gluon.utils.split_and_load(array, devices) for array in (data, label)), strict=True)
        with autograd.record():
            losses = [loss_fn(net(part), target) for part, target in parts]
        autograd.backward(losses)
        for device in devices:
            gradients = [parameter.grad(device) for parameter in net.collect_params().values()]
            gluon.utils.clip_global_norm(gradients, 0.5 * 32)
        trainer.step(data.shape[0])
    print(f"epoch {epoch}: loss {losses[0].mean().asscalar():.3f}")
