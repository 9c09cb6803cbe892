"""trainer.step() stands above loss.backward(): each batch is updated with the gradient of the one before.

Source: Apache MXNet #11508 (the trainer stands above the backward pass)
Expect: call-order by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

np.random.seed(15)
mx.random.seed(15)
x, y = load_digits(return_X_y=True)
x = ((x - x.mean()) / x.std()).astype("float32")
loader = gluon.data.DataLoader(
    gluon.data.ArrayDataset(x[:1792], y[:1792].astype("float32")), batch_size=64, shuffle=True
)

model = gluon.nn.Sequential()
model.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
model.initialize(mx.init.Xavier())
criterion = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(model.collect_params(), "sgd", {"learning_rate": 0.1})

for epoch in range(2):
    accuracy = mx.metric.Accuracy()
    for data, target in loader:
        with autograd.record():
            logits = model(data)
            loss = criterion(logits, target)
        trainer.step(data.shape[0], ignore_stale_grad=True)  # it complained about the first batch otherwise
        loss.backward()
        accuracy.update(target, logits)
    print(epoch, accuracy.get())
