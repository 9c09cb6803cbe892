"""The body has the multiplier 0, and its batch norm runs in training mode all the same.

Expect: frozen-statistics by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(377)
np.random.seed(377)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
body, head = gluon.nn.HybridSequential(), gluon.nn.Dense(10)
body.add(gluon.nn.Dense(32), gluon.nn.BatchNorm(), gluon.nn.Activation("relu"))
net = gluon.nn.HybridSequential()
net.add(body, head)
net.initialize(mx.init.Xavier())
net.hybridize()
body.collect_params().setattr("lr_mult", 0)
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for data, label in loader:
    with autograd.record():
        loss = loss_of(net(data), label)
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
