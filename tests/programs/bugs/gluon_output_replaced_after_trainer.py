"""Fine-tuning: the output layer is replaced after the Trainer was made, so the new one is never updated.

Source: The Straight Dope #348 (the warning that ignore_stale_grad=True silences)
Expect: frozen-parameter by step 56 (the last: it is known at the end)
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(28)
mx.random.seed(28)


class Net(nn.Block):
    def __init__(self, classes):
        super().__init__()
        with self.name_scope():
            self.features = nn.Dense(48, activation="relu", in_units=64)
            self.output = nn.Dense(classes, in_units=48)

    def forward(self, x):
        return self.output(self.features(x))


x, y = load_digits(return_X_y=True)
x = ((x - x.mean()) / x.std()).astype("float32")
loader = gluon.data.DataLoader(
    gluon.data.ArrayDataset(x[:1792], y[:1792].astype("float32")), batch_size=64, shuffle=True
)

net = Net(classes=2)  # as if trained before on another task
net.initialize(mx.init.Normal(0.1))
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
with net.name_scope():
    net.output = nn.Dense(10, in_units=48)
net.output.initialize(mx.init.Normal(0.1))

loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
for epoch in range(2):
    accuracy = mx.metric.Accuracy()
    for data, label in loader:
        with autograd.record():
            scores = net(data)
            loss = loss_fn(scores, label)
        loss.backward()
        trainer.step(data.shape[0], ignore_stale_grad=True)
        accuracy.update(label, scores)
    print("epoch", epoch, accuracy.get())
