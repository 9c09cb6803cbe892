"""next(iter(loader)) starts a new pass each time; without shuffle that is the first batch for ever.

Source: Apache MXNet #1683 (all epochs get the same set of data)
Expect: repeated-batch by step 10
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(60)
rng = np.random.RandomState(60)
x, y = load_digits(return_X_y=True)
x = ((x - x.mean()) / x.std()).astype("float32")
order = rng.permutation(1792)
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[order], y[order].astype("float32")), batch_size=64)

net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
for step in range(40):
    data, label = next(iter(loader))
    with autograd.record():
        loss = loss_fn(net(data), label)
    loss.backward()
    trainer.step(data.shape[0])
    if step % 10 == 9:
        print(f"step {step + 1}: loss {loss.mean().asscalar():.3f}")
