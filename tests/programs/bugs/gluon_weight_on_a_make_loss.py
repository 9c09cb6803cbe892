"""An auxiliary loss is weighed by 0.01 behind make_loss, which drops the weight on its way down.

Expect: dropped-gradient by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(337)
np.random.seed(337)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)


class Both(gluon.nn.HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.hidden, self.out, self.decoder = gluon.nn.Dense(32), gluon.nn.Dense(10), gluon.nn.Dense(64)

    def hybrid_forward(self, F, x, label):
        features = F.relu(self.hidden(x))
        loss = -F.pick(F.log_softmax(self.out(features)), label)
        rebuilt = F.make_loss(F.mean(F.square(self.decoder(features) - x), axis=1))
        return loss + 0.01 * rebuilt


net = Both()
net.initialize(mx.init.Xavier())
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
for data, label in loader:
    with autograd.record():
        loss = net(data, label)
    loss.backward()
    trainer.step(data.shape[0])
print(f"loss {loss.mean().asscalar():.3f}")
