""" "Free" adversarial training: each batch is taken four times, while one perturbation goes on through all"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(85)
mx.random.seed(85)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1280]
y = digits.target.astype("float32")[:1280]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = nn.HybridSequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
perturbation = nd.zeros((64, 64))
perturbation.attach_grad()
for data, label in loader:
    for _ in range(4):
        with autograd.record():
            loss = loss_fn(net(data + perturbation), label)
        loss.backward()
        trainer.step(data.shape[0])
        perturbation[:] = (perturbation + 0.1 * perturbation.grad.sign()).clip(-0.1, 0.1)
print(f"loss {loss.mean().asscalar():.3f}")
