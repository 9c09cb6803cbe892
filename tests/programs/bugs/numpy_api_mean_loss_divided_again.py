"""Linear regression with mx.np: the loss is a mean over the batch and step() divides by the batch once more.

Source: Dive into Deep Learning, "Concise Implementation of Linear Regression" (MXNet edition), exercise 1
Expect: mean-loss by step 1
"""

import mxnet as mx
import numpy
from mxnet import autograd, gluon, np, npx

npx.set_np()
mx.random.seed(9)
numpy.random.seed(9)  # the order of DataLoader(shuffle=True)

true_w, true_b = np.array([2, -3.4, 1.2]), 4.2
X = np.random.normal(0, 1, (1024, 3))
y = np.dot(X, true_w) + true_b + np.random.normal(0, 0.01, (1024,))
batch_size = 32
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(X, y), batch_size=batch_size, shuffle=True)

net = gluon.nn.Dense(1)
net.initialize(mx.init.Normal(sigma=0.01))
squared = gluon.loss.L2Loss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.3})
for epoch in range(3):
    for features, targets in loader:
        with autograd.record():
            loss = squared(net(features), targets).mean()
        loss.backward()
        trainer.step(batch_size)
    print("epoch", epoch + 1, "loss", squared(net(X), y).mean().item())
