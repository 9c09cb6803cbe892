"""The forward pass is recorded with train_mode=False: dropout is never on.

Source: GluonTS #1313
Expect: train-mode by step 1
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

mx.random.seed(17)
np.random.seed(17)
x, y = load_digits(return_X_y=True)
x = ((x - x.mean()) / x.std()).astype("float32")
train = gluon.data.DataLoader(
    gluon.data.ArrayDataset(x[:1536], y[:1536].astype("float32")), batch_size=64, shuffle=True
)

net = nn.HybridSequential()
net.add(nn.Dense(64, activation="relu"), nn.Dropout(0.5), nn.Dense(10))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.2})

for epoch in range(2):
    for data, label in train:
        with autograd.record(train_mode=False):
            loss = loss_fn(net(data), label)
        loss.backward(train_mode=False)
        trainer.step(data.shape[0])
    guess = net(mx.nd.array(x[1536:])).argmax(axis=1).asnumpy()
    print(f"epoch {epoch}: test accuracy {(guess == y[1536:]).mean():.3f}")
