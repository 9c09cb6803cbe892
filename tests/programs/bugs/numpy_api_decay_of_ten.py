"""A weight decay of 10 draws all weights to 0 before the loss can move them, in MXNet's NumPy interface.

Expect: no-progress by step 100
Process: own
Also: repeated-batch, constant-output
"""

from mxnet import autograd, gluon, init, np, npx
from sklearn.datasets import load_digits

npx.set_np()
npx.random.seed(346)
digits = load_digits()
x = np.array((digits.data - digits.data.mean()) / digits.data.std(), dtype="float32")
y = np.array(digits.target, dtype="float32")
net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05, "wd": 10})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
for _ in range(4):
    for start in range(0, 1408, 64):
        with autograd.record():
            loss = loss_of(net(x[start : start + 64]), y[start : start + 64])
        loss.backward()
        trainer.step(64)
print(f"loss {float(loss.mean()):.3f}")
