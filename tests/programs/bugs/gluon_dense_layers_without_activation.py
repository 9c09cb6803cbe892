"""Three Dense layers follow each other with no activation between them: together they are one linear layer.

Source: Dive into Deep Learning, "Multilayer Perceptrons": from linear to nonlinear
Expect: linear-collapse by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(47)
mx.random.seed(47)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1792]
y = digits.target.astype("float32")[:1792]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = nn.Sequential()
net.add(nn.Dense(64), nn.Dense(32), nn.Dense(10))
net.initialize(mx.init.Normal(0.1))
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
    print("epoch", epoch, accuracy.get())
