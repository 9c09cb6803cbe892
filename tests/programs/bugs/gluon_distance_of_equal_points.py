"""A contrastive loss takes the root of a squared distance, 0 for equal pairs: the gradient is NaN.

Source: The Straight Dope #402 (a loss that turns into nan after a while)
Expect: non-finite by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(57)
mx.random.seed(57)
x, y = load_digits(return_X_y=True)
x = ((x - x.mean()) / x.std()).astype("float32")[:1024]
y = y[:1024]
partner = np.random.permutation(1024)
partner[::2] = np.arange(0, 1024, 2)  # "augmented" copies, before any augmentation was written
same = (y == y[partner]).astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, x[partner], same), batch_size=64, shuffle=True)

net = nn.HybridSequential()
net.add(nn.Dense(32, activation="tanh"), nn.Dense(8))
net.initialize(mx.init.Xavier())
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05})
for epoch in range(2):
    for a, b, equal in loader:
        with autograd.record():
            distance = nd.sqrt(nd.square(net(a) - net(b)).sum(axis=1))
            loss = equal * distance + (1 - equal) * nd.relu(2 - distance)
        loss.backward()
        trainer.step(a.shape[0])
    print(f"epoch {epoch}: loss {loss.mean().asscalar()}")
