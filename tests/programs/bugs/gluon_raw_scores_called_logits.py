"""from_logits=True means "already log_softmax" in Gluon; given raw scores, the loss has no lower bound.

Source: Apache MXNet #12185
Expect: double-softmax by step 1
Also: initial-loss
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(43)
np.random.seed(43)
digits = load_digits()
x = ((digits.images - digits.images.mean()) / digits.images.std()).astype("float32")[:1792, None]
y = digits.target.astype("float32")[:1792]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = nn.HybridSequential()
net.add(nn.Conv2D(8, 3, activation="relu"), nn.MaxPool2D(), nn.Dense(10))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss(from_logits=True)
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.02})
for epoch in range(2):
    metric = mx.metric.Loss()
    for data, label in loader:
        with autograd.record():
            logits = net(data)
            loss = loss_fn(logits, label)
        loss.backward()
        trainer.step(data.shape[0])
        metric.update(None, loss)
    print("epoch", epoch, metric.get())
