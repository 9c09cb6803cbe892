"""backward is given the scores as its head gradient, as if that were what is to be differentiated.

Expect: head-gradient by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(371)
np.random.seed(371)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier())
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
for data, _ in loader:
    with autograd.record():
        scores = net(data)
    scores.backward(scores)
    trainer.step(data.shape[0])
print(f"largest score {scores.abs().max().asscalar():.3f}")
