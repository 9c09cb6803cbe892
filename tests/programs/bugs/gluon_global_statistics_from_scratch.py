"""use_global_stats=True in a network trained from scratch: batch norm divides by 1 for ever and does nothing.

Source: Apache MXNet #9420 (comment: all the moving means are 0 and variances 1 in the trained model)
Expect: batch-norm by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(50)
mx.random.seed(50)
digits = load_digits()
x = ((digits.images - digits.images.mean()) / digits.images.std()).astype("float32")[:1792, None]
y = digits.target.astype("float32")[:1792]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = nn.HybridSequential()
net.add(
    nn.Conv2D(8, 3, use_bias=False),
    nn.BatchNorm(use_global_stats=True),
    nn.Activation("relu"),
    nn.MaxPool2D(),
    nn.Dense(10),
)
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
for epoch in range(2):
    accuracy = mx.metric.Accuracy()
    for data, label in loader:
        with autograd.record():
            scores = net(data)
            loss = loss_fn(scores, label)
        loss.backward()
        trainer.step(data.shape[0])
        accuracy.update(label, scores)
    mx.nd.waitall()
    print("epoch", epoch, accuracy.get(), "running mean", net[1].running_mean.data().asnumpy()[:3])
