"""The learning rate is lowered by hand, but the optimiser has a scheduler and never looks at the new value.

Source: Apache MXNet #11815 (with a scheduler, optimizer.lr is not the rate in use)
Expect: learning-rate by step 57
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(35)
mx.random.seed(35)
x, y = load_digits(return_X_y=True)
x = ((x - x.mean()) / x.std()).astype("float32")
loader = gluon.data.DataLoader(
    gluon.data.ArrayDataset(x[:1792], y[:1792].astype("float32")), batch_size=64, shuffle=True
)

net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
warmup = mx.lr_scheduler.FactorScheduler(step=10000, base_lr=0.2, warmup_steps=10, warmup_begin_lr=0.02)
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2, "lr_scheduler": warmup})

for epoch in range(3):
    if epoch == 2:
        trainer.optimizer.lr = 0.02
    total = 0
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
        total += loss.mean().asscalar()
    print(f"epoch {epoch}: lr {trainer.optimizer.lr}, loss {total / len(loader):.3f}")
