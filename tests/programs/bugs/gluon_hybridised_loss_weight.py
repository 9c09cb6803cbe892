"""The weight of a penalty grows from epoch to epoch as an attribute of a hybridised loss, which keeps the first.

Expect: hybrid-constant by step 25
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(372)
np.random.seed(372)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)


class Penalised(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.strength = 0.0
        self.loss_of = gluon.loss.SoftmaxCrossEntropyLoss()

    def hybrid_forward(self, F, scores, label):
        return self.loss_of(scores, label) + self.strength * F.mean(F.square(scores), axis=1)


net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier())
loss_of = Penalised()
loss_of.hybridize()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
for epoch in range(2):
    loss_of.strength = 0.1 * epoch
    for data, label in loader:
        with autograd.record():
            loss = loss_of(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
