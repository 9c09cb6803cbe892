"""The network ends in a softmax and the loss applies another: it learns slowly and cannot become confident.

Source: Apache MXNet #12185
Expect: double-softmax by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(41)
mx.random.seed(41)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1792]
y = digits.target.astype("float32")[:1792]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = nn.HybridSequential()
net.add(nn.Dense(64, activation="relu"), nn.Dense(10), nn.HybridLambda("softmax"))
net.initialize(mx.init.Xavier())
net.hybridize()
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5})

for epoch in range(2):
    total = 0
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
        total += loss.mean().asscalar()
    print(f"epoch {epoch}: loss {total / len(loader):.3f}")
