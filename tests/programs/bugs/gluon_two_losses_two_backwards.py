"""Two losses share a body and each calls backward(): the second overwrites the body's gradient of the first.

Source: Apache MXNet #9712
Expect: backward-once by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(10)
mx.random.seed(10)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1792]
y = digits.target.astype("float32")[:1792]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), 64, shuffle=True)


class TwoHeads(gluon.HybridBlock):
    """Recognises a digit and draws it again."""

    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.body = nn.Dense(48, activation="relu")
            self.classify = nn.Dense(10)
            self.draw = nn.Dense(64)

    def hybrid_forward(self, F, pixels):
        code = self.body(pixels)
        return self.classify(code), self.draw(code)


net = TwoHeads()
net.initialize(mx.init.Xavier())
cross_entropy, squared = gluon.loss.SoftmaxCrossEntropyLoss(), gluon.loss.L2Loss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})

for epoch in range(2):
    accuracy = mx.metric.Accuracy()
    for data, label in loader:
        with autograd.record():
            scores, drawing = net(data)
            class_loss = cross_entropy(scores, label)
            drawing_loss = squared(drawing, data)
        class_loss.backward(retain_graph=True)
        drawing_loss.backward()
        trainer.step(data.shape[0])
        accuracy.update(label, scores)
    print("epoch", epoch, accuracy.get(), "drawing loss", drawing_loss.mean().asscalar())
