"""All weights are drawn from Normal(1): the first loss is far above ln(10), and training has to undo it.

Source: Apache MXNet #2524 (a first cross-entropy of 10.3 where ln(1000) is 6.9)
Expect: initial-loss by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(68)
mx.random.seed(68)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1792]
y = digits.target.astype("float32")[:1792]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = nn.Sequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Normal(1))
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.005})
for epoch in range(2):
    losses = []
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
        losses.append(loss.mean().asscalar())
    print(f"epoch {epoch}: first loss {losses[0]:.2f}, last loss {losses[-1]:.2f}")
