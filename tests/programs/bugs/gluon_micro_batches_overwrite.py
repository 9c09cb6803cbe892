"""Four micro-batches are meant to add up to one large batch, but grad_req is 'write': three of them are lost.

Source: Apache MXNet #3283
Expect: backward-once by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from sklearn.datasets import load_digits

LARGE_BATCH, PARTS = 64, 4
mx.random.seed(11)
np.random.seed(11)

images, labels = load_digits(return_X_y=True)
images = ((images - images.mean()) / images.std()).astype("float32").reshape(-1, 1, 8, 8)[:1024]
dataset = gluon.data.ArrayDataset(images, labels[:1024].astype("float32"))
loader = gluon.data.DataLoader(dataset, LARGE_BATCH, shuffle=True)

net = gluon.nn.HybridSequential()
net.add(
    gluon.nn.Conv2D(8, kernel_size=3, activation="relu"),
    gluon.nn.MaxPool2D(),
    gluon.nn.Flatten(),
    gluon.nn.Dense(10),
)
net.initialize(mx.init.Xavier())
net.hybridize()
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})

for epoch in range(2):
    total = 0
    for data, label in loader:
        parts = nd.split(data, PARTS, axis=0), nd.split(label, PARTS, axis=0)
        for part, truth in zip(*parts, strict=True):
            with autograd.record():
                loss = loss_fn(net(part), truth)
            loss.backward()
            total += loss.sum().asscalar()
        trainer.step(LARGE_BATCH)
    print(f"epoch {epoch}: mean loss {total / len(dataset):.3f}")
