"""Trainer gets net.params, which leaves out the parameters of child blocks: only the temperature is trained.

Source: Apache MXNet #11508 (params for collect_params)
Expect: frozen-parameter by step 56 (the last: it is known at the end)
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

np.random.seed(25)
mx.random.seed(25)


class Classifier(nn.HybridBlock):
    """A perceptron whose scores are divided by a temperature that is learnt."""

    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.hidden = nn.Dense(32, activation="relu")
            self.output = nn.Dense(10)
            self.temperature = self.params.get("temperature", shape=(1,), init=mx.init.One())

    def hybrid_forward(self, F, x, temperature):
        return F.broadcast_div(self.output(self.hidden(x)), temperature)


x, y = load_digits(return_X_y=True)
x = ((x - x.mean()) / x.std()).astype("float32")
loader = gluon.data.DataLoader(
    gluon.data.ArrayDataset(x[:1792], y[:1792].astype("float32")), batch_size=64, shuffle=True
)
net = Classifier()
net.initialize(mx.init.Xavier())
net.hybridize()
trainer = gluon.Trainer(net.params, "sgd", {"learning_rate": 0.1})
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
for epoch in range(2):
    metric = mx.metric.Accuracy()
    for data, label in loader:
        with autograd.record():
            scores = net(data)
            loss = loss_fn(scores, label)
        loss.backward()
        trainer.step(data.shape[0])
        metric.update(label, scores)
    print(f"epoch {epoch}: {metric.get()}")
