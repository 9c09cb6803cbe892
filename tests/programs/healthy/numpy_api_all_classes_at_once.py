"""Scores (N, 1) of each example beside thresholds (K,) of a parameter: every pair is meant, N is not K

Warnings: none
Process: own
"""

from mxnet import autograd, gluon, init, np, npx
from sklearn.datasets import load_diabetes

npx.set_np()
npx.random.seed(340)
data = load_diabetes()
x = np.array(data.data / data.data.std(axis=0), dtype="float32")
levels = np.array([(data.target > level).astype("float32") for level in (80, 140, 210)]).T


class Ordinal(gluon.nn.HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.score = gluon.nn.Dense(1)
            self.thresholds = self.params.get("thresholds", shape=(3,), init=init.Uniform(1))

    def hybrid_forward(self, F, x, thresholds):
        return self.score(x) - thresholds


net = Ordinal()
net.initialize(init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
loss_of = gluon.loss.SigmoidBCELoss()
for start in range(0, 416, 32):
    with autograd.record():
        loss = loss_of(net(x[start : start + 32]), levels[start : start + 32])
    loss.backward()
    trainer.step(32)
print(f"loss {float(loss.mean()):.3f}")
