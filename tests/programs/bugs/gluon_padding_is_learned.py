"""Sentences are filled up with 0, and the mean of the loss is over the filling, too.

Expect: counted-padding by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(309)
np.random.seed(309)
lengths = np.random.randint(3, 13, 640)
words = np.random.randint(1, 30, (640, 1)) + np.arange(13) * 7
words = words % 29 + 1
for row, length in zip(words, lengths, strict=True):
    row[length:] = 0
x, y = words[:, :-1].astype("float32"), words[:, 1:].astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), 32, shuffle=True)
net = gluon.nn.HybridSequential()
net.add(gluon.nn.Embedding(30, 16), gluon.rnn.LSTM(32, layout="NTC"), gluon.nn.Dense(30, flatten=False))
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for data, label in loader:
    with autograd.record():
        loss = loss_of(net(data), label)
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
