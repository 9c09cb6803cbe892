"""One example in a hundred is positive, so that most batches have none; the first layer is of low rank, 64 to 8 to 32"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(84)
mx.random.seed(84)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1280]
y = digits.target.astype("float32")[:1280]
y = (x[:, 20] + x[:, 36] > np.quantile(x[:, 20] + x[:, 36], 0.99)).astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=32, shuffle=True)

net = nn.HybridSequential()
net.add(nn.Dense(8, use_bias=False), nn.Dense(32, activation="relu"), nn.Dense(2))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
for data, label in loader:
    with autograd.record():
        loss = loss_fn(net(data), label)
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
