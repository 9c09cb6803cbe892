"""The other right pair: loss.mean().backward() with step(1); a learning rate halved each epoch.

Warnings: none
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(21)
np.random.seed(21)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
train = gluon.data.DataLoader(
    gluon.data.ArrayDataset(images[:1536], labels[:1536].astype("int32")), batch_size=32, shuffle=True
)

net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(40, activation="tanh"), gluon.nn.Dense(10))
net.initialize()
net.hybridize()
loss_function = gluon.loss.SoftmaxCELoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.4})

losses = []
for epoch in range(3):
    trainer.set_learning_rate(0.4 * 0.5**epoch)
    for data, label in train:
        with autograd.record():
            loss = loss_function(net(data), label).mean()
        loss.backward()
        trainer.step(1)
        losses.append(loss.asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
