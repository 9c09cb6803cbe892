"""The weights are float16 and the steps are small: most of them are rounded away.

Expect: lost-update by step 3
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(353)
np.random.seed(353)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)


class Half(gluon.nn.HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.first = self.params.get("first", shape=(64, 32), dtype="float16", init=mx.init.Normal(0.1))
            self.second = self.params.get("second", shape=(32, 10), dtype="float16", init=mx.init.Normal(0.1))

    def hybrid_forward(self, F, x, first, second):
        hidden = F.relu(F.dot(x, F.cast(first, "float32")))
        return F.dot(hidden, F.cast(second, "float32"))


net = Half()
net.initialize()
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.0001})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for data, label in loader:
    with autograd.record():
        loss = loss_of(net(data), label)
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
