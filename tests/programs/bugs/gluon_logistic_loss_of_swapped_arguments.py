"""loss(labels, scores): a metric takes them in this order, a loss does not; the scores run away, and the loss below 0.

Source: common; MXNet's metrics take (labels, predictions), its losses (predictions, labels)
Expect: target-range by step 1
Besides: exploding-gradient, non-finite, no-progress
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(52)
mx.random.seed(52)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1280]
y = digits.target.astype("float32")[:1280]
y = (y > 4).astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = nn.HybridSequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(1))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SigmoidBinaryCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
for data, label in loader:
    with autograd.record():
        loss = loss_fn(label.reshape((-1, 1)), net(data))
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
