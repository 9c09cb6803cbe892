"""grad_req is 'add' and nobody calls zero_grad(): every step applies the sum of all gradients so far.

Source: discuss.mxnet.apache.org/t/504 (aggregate gradients manually over n batches)
Expect: gradient-carryover by step 2
"""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from sklearn.datasets import load_digits

mx.random.seed(21)
np.random.seed(21)
x, y = load_digits(return_X_y=True)
x = ((x - x.mean()) / x.std()).astype("float32")
loader = gluon.data.DataLoader(
    gluon.data.ArrayDataset(x[:1792], y[:1792].astype("float32")), batch_size=64, shuffle=True
)

net = gluon.nn.HybridSequential()
net.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.Dense(10))
net.initialize(mx.init.Xavier())
net.hybridize()
for p in net.collect_params().values():
    if p.grad_req != "null":
        p.grad_req = "add"
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.005})

for epoch in range(2):
    accuracy = mx.metric.Accuracy()
    for data, label in loader:
        with autograd.record():
            scores = net(data)
            loss = loss_fn(scores, label)
        loss.backward()
        trainer.step(data.shape[0])
        accuracy.update(label, scores)
    print("epoch", epoch, accuracy.get())
