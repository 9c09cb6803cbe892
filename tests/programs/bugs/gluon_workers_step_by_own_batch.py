"""Two workers. Their gradients are added, but each divides by the examples of its own batch: the step is twice as large
as that of one worker with both batches.

Source: aws/amazon-sagemaker-examples #134 (an example that steps by its batch size is given `dist_sync`)

Expect: mean-loss by step 1
Process: own
"""

import runpy
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn
from sklearn.datasets import load_digits

runpy.run_path(str(Path(__file__).parents[2] / "helpers" / "two_workers.py"))["join"](__file__)
x, y = load_digits(return_X_y=True)
x, y = ((x - x.mean()) / x.std()).astype("float32"), y.astype("float32")
store = mx.kv.create("dist_sync")
mine = slice(store.rank, 1536, store.num_workers)
mx.random.seed(12)
np.random.seed(12)
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(x[mine], y[mine]), batch_size=32, shuffle=True)

net = nn.HybridSequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Xavier())
net.hybridize()
loss_fn = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9}, kvstore=store)
for _ in range(2):
    for data, label in loader:
        with autograd.record():
            loss = loss_fn(net(data), label)
        loss.backward()
        trainer.step(len(label))
print(f"worker {store.rank}: loss {loss.mean().asscalar():.3f}")
