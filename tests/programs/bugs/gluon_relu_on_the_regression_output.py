"""A regression has a ReLU on its output and a negative target: it dies and predicts 0 for everything.

Source: population_estimation #68; Keras #7057 (dead ReLUs)
Expect: dead-activation by step 64
Also: vanishing-gradient
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn

mx.random.seed(69)
np.random.seed(69)
rng = np.random.RandomState(69)
x = rng.normal(size=(1280, 8)).astype("float32")
change = (np.tanh(x[:, :3].sum(axis=1)) - 1.5 + rng.normal(0, 0.05, 1280)).astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, change), batch_size=32, shuffle=True)

net = nn.HybridSequential()
net.add(nn.Dense(16, activation="tanh"), nn.Dense(1, activation="relu"))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.L2Loss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})
for epoch in range(3):
    total = 0
    for data, target in loader:
        with autograd.record():
            guess = net(data)
            loss = loss_fn(guess, target)
        loss.backward()
        trainer.step(data.shape[0])
        total += loss.mean().asscalar()
    print(f"epoch {epoch}: loss {total / len(loader):.4f}, largest prediction {guess.max().asscalar():.3f}")
