"""The validation loop finds its iterator empty from the second epoch on, and reports the accuracy of nothing.

Source: Apache MXNet #9912 (NaN, because the iterator was read before)
Expect: exhausted-iterator by step 66
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(61)
mx.random.seed(61)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[:1408], y[:1408]), 64, shuffle=True)
validation = mx.io.NDArrayIter(x[1408:], y[1408:], 64, last_batch_handle="discard")

net = gluon.nn.Sequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier())
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})

for epoch in range(3):
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(data.shape[0])
    metric = mx.metric.Accuracy()
    for batch in validation:
        metric.update(batch.label, [net(batch.data[0])])
    print(f"epoch {epoch}: {metric.get()}")
