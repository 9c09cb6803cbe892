"""A cosine schedule made for the number of steps is asked with the epoch: the rate hardly falls.

Source: gluon-cv #699 (who tells the schedule the number of updates)
Expect: learning-rate by step 84
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(38)
np.random.seed(38)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1792]
y = digits.target.astype("float32")[:1792]
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x, y), batch_size=64, shuffle=True)

net = gluon.nn.Sequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
epochs = 3
schedule = mx.lr_scheduler.CosineScheduler(max_update=epochs * len(loader), base_lr=0.3, final_lr=0)
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.3})

for epoch in range(epochs):
    trainer.set_learning_rate(schedule(epoch))
    total = 0
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
        total += loss.mean().asscalar()
    print(f"epoch {epoch}: learning rate {trainer.learning_rate:.4f}, loss {total / len(loader):.3f}")
