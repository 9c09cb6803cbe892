"""Two micro-batches are accumulated for each step, but zero_grad() is called for the output layer only.

Source: Apache MXNet #10589
Expect: gradient-carryover by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(24)
mx.random.seed(24)


class Classifier(nn.HybridBlock):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = nn.HybridSequential()
            self.features.add(nn.Conv2D(6, 3, activation="relu"), nn.GlobalAvgPool2D(), nn.Flatten())
            self.output = nn.Dense(10)

    def hybrid_forward(self, F, x):
        return self.output(self.features(x))


digits = load_digits()
x = ((digits.images - digits.images.mean()) / digits.images.std()).astype("float32")[:1792, None]
loader = gluon.data.DataLoader(
    gluon.data.ArrayDataset(x, digits.target[:1792].astype("float32")), 32, shuffle=True
)
net = Classifier()
net.initialize(mx.init.Xavier())
for v in net.collect_params().values():
    v.grad_req = "add"
loss = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.02})
for epoch in range(2):
    total = 0.0
    for i, (data, label) in enumerate(loader, 1):
        with autograd.record():
            value = loss(net(data), label)
        value.backward()
        total += value.mean().asscalar()
        if i % 2 == 0:
            trainer.step(2 * 32)
            net.output.collect_params().zero_grad()
    print(f"epoch {epoch}: loss {total / len(loader):.3f}")
