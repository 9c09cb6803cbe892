"""The digit itself is to be predicted, 0 to 9, by a network whose last layer can give 0 to 1 only.

Source: StackOverflow, regression networks whose output is always 1
Expect: target-range by step 1
Besides: no-progress
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(47)
mx.random.seed(47)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1280]
y = digits.target.astype("float32")[:1280]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = nn.HybridSequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(1, activation="sigmoid"))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.L2Loss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})

for data, label in loader:
    with autograd.record():
        loss = loss_fn(net(data), label)
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
