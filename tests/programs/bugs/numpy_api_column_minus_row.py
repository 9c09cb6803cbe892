"""Outputs (N, 1) minus targets (N,) are (N, N), in MXNet's NumPy interface.

Expect: broadcast-pairs by step 1
Process: own
"""

from mxnet import autograd, gluon, init, np, npx
from sklearn.datasets import load_diabetes

npx.set_np()
npx.random.seed(339)
data = load_diabetes()
x = np.array(data.data / data.data.std(axis=0), dtype="float32")
y = np.array((data.target - data.target.mean()) / data.target.std(), dtype="float32")
net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(16, activation="relu"), gluon.nn.Dense(1))
net.initialize(init.Xavier())
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
for start in range(0, 416, 32):
    with autograd.record():
        loss = ((net(x[start : start + 32]) - y[start : start + 32]) ** 2).mean()
    loss.backward()
    trainer.step(1)
print(f"loss {float(loss):.3f}")
