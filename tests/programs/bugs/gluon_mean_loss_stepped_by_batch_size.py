"""The loss is averaged over the batch, and trainer.step(batch_size) divides its gradient by the batch again.

Source: Dive into Deep Learning, linear regression with Gluon, exercise 1 (replace the loss by l.mean())
Expect: mean-loss by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(3)
mx.random.seed(3)

digits = load_digits()
X = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1792]
Y = digits.target.astype("float32")[:1792]
batch_size = 64
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(X, Y), batch_size=batch_size, shuffle=True)

net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(64, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier())
net.hybridize()
softmax_ce = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5})

for epoch in range(3):
    total = 0.0
    for data, label in loader:
        with autograd.record():
            loss = softmax_ce(net(data), label).mean()
        loss.backward()
        trainer.step(batch_size)
        total += loss.asscalar()
    print(f"epoch {epoch}: loss {total / len(loader):.4f}")
