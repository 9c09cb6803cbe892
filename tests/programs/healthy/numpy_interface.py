"""MXNet's NumPy interface (mx.np, npx.set_np): a network with its own parameters, trained as in the
newer books.

Warnings: none
Process: own
"""

import mxnet as mx
import numpy as onp
from mxnet import autograd, gluon, np, npx
from mxnet.gluon import nn
from sklearn.datasets import load_digits

npx.set_np()
mx.random.seed(71)
onp.random.seed(71)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
dataset = gluon.data.ArrayDataset(np.array(images[:1536]), np.array(labels[:1536]))
train = gluon.data.DataLoader(dataset, batch_size=64, shuffle=True)

net = nn.Sequential()
net.add(nn.Dense(32, activation="relu"), nn.Dropout(0.1), nn.Dense(10))
net.initialize(mx.init.Normal(sigma=0.05))
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.3})
losses = []
for _ in range(3):
    for X, y in train:
        with autograd.record():
            loss = loss_function(net(X), y)
        loss.backward()
        trainer.step(X.shape[0])
        losses.append(float(loss.mean()))
predicted = net(np.array(images[1536:])).argmax(axis=1)
print("test accuracy", float((predicted.astype("int64") == np.array(labels[1536:])).mean()))
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
