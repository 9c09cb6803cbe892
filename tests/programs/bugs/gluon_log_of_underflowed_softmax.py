"""The loss is log(softmax(scores)) written out: when a confident network is wrong, that is log(0).

Source: gluon-cv #942
Expect: non-finite by step 10
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(55)
np.random.seed(55)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1792]
y = digits.target.astype("float32")[:1792]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = nn.Sequential()
net.add(nn.Dense(64, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 2.0, "momentum": 0.9})


def cross_entropy(scores, label):
    return -nd.log(nd.softmax(scores)).pick(label)


for epoch in range(3):
    for data, label in loader:
        with autograd.record():
            loss = cross_entropy(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
    print(f"epoch {epoch}: loss of the last batch {loss.mean().asscalar():.3f}")
