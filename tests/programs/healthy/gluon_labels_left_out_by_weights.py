"""Labels of -1 mean unknown: the class loss has a weight of 0 there, and so has the logistic loss of a region proposal"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(81)
mx.random.seed(81)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1280]
y = digits.target.astype("float32")[:1280]
y[::10] = -1
is_large = np.where(y < 0, -1, y > 4).astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y, is_large), batch_size=64, shuffle=True)

body, classes, large = nn.Dense(32, activation="relu"), nn.Dense(10), nn.Dense(1)
net = nn.HybridSequential()
net.add(body, classes, large)
net.initialize(mx.init.Xavier())
class_loss, large_loss = gluon.loss.SoftmaxCrossEntropyLoss(), gluon.loss.SigmoidBinaryCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
for data, label, target in loader:
    with autograd.record():
        features = body(data)
        loss = class_loss(classes(features), label, (label >= 0).expand_dims(1))
        loss = loss + large_loss(large(features).reshape((-1,)), target, target >= 0)
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
