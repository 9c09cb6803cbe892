"""Images are (N, rows, columns, 3), as files are read, and Conv2D takes their rows for channels.

Source: Apache MXNet #9411
Expect: image-layout by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(49)
mx.random.seed(49)
digits = load_digits()
grey = ((digits.images - digits.data.mean()) / digits.data.std()).astype("float32")[:1280]
x = np.stack([grey.repeat(2, axis=1).repeat(2, axis=2)] * 3, axis=-1)  # 16×16, RGB
y = digits.target.astype("float32")[:1280]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = nn.HybridSequential()
net.add(nn.Conv2D(16, 3, padding=1, activation="relu"), nn.Flatten(), nn.Dense(10))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})

for data, label in loader:
    with autograd.record():
        loss = loss_fn(net(data), label)
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
