"""The pretrained layer is to stay: set_lr_mult of the Trainer's optimiser, which asks each Parameter instead.

Source: Apache MXNet #13391 (Module's way of per-layer rates, wanted in Gluon)
Expect: unused-multiplier by step 22
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(62)
mx.random.seed(62)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)

net = gluon.nn.Sequential(prefix="net_")
with net.name_scope():
    net.add(gluon.nn.Dense(32, activation="relu", prefix="body_"), gluon.nn.Dense(10, prefix="head_"))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
trainer.optimizer.set_lr_mult({"net_body_weight": 0.0, "net_body_bias": 0.0})

for epoch in range(2):
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
    print(f"epoch {epoch}: loss {loss.mean().asscalar():.3f}")
