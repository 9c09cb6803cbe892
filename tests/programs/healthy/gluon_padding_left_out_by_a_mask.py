"""Sentences are filled up with 0; a mask leaves the filling out, and the sum is divided by the number of words

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

mx.random.seed(312)
np.random.seed(312)
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
for data, label in loader:
    mask = label > 0
    with autograd.record():
        losses = -net(data).log_softmax(axis=-1).pick(label, axis=-1)
        loss = (losses * mask).sum() / mask.sum()
    loss.backward()
    trainer.step(1)
print(f"loss {loss.asscalar():.3f}")
