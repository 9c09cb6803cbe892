"""Pixels go into the network as they come from the file, 0 to 255.

Source: Apache MXNet #12063
Expect: input-scale by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(59)
np.random.seed(59)
digits = load_digits()
images = (digits.images * (255 / 16)).astype("uint8")[:1792, None]
labels = digits.target[:1792].astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(images, labels), batch_size=64, shuffle=True)

net = nn.HybridSequential()
net.add(nn.Conv2D(8, 3, activation="relu"), nn.MaxPool2D(), nn.Dense(10))
net.initialize(mx.init.Normal(0.01))
net.hybridize()
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.0005})
for epoch in range(2):
    accuracy = mx.metric.Accuracy()
    for data, label in loader:
        with autograd.record():
            scores = net(data.astype("float32"))
            loss = loss_fn(scores, label)
        loss.backward()
        trainer.step(data.shape[0])
        accuracy.update(label, scores)
    print("epoch", epoch, accuracy.get())
