"""Module.fit over two workers with dist_sync: each has half of the examples, the servers update, by a schedule that they
got with the optimiser

Warnings: none
Process: own
"""

import runpy
from pathlib import Path

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

runpy.run_path(str(Path(__file__).parents[2] / "helpers" / "two_workers.py"))["join"](__file__)
x, y = load_digits(return_X_y=True)
x, y = ((x - x.mean()) / x.std()).astype("float32"), y.astype("float32")
store = mx.kv.create("dist_sync")
mine = slice(store.rank, 1536, store.num_workers)
mx.random.seed(14)
np.random.seed(14)
data = mx.io.NDArrayIter(x[mine], y[mine], batch_size=32, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32)
net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="relu"), num_hidden=10)
module = mx.mod.Module(mx.sym.SoftmaxOutput(net, name="softmax"))
schedule = mx.lr_scheduler.FactorScheduler(step=24, factor=0.5, base_lr=0.1)
sgd = {"learning_rate": 0.1, "momentum": 0.9, "lr_scheduler": schedule}
module.fit(
    data, num_epoch=2, kvstore=store, optimizer="sgd", optimizer_params=sgd, initializer=mx.init.Xavier()
)
print(f"worker {store.rank}:", module.score(mx.io.NDArrayIter(x[1536:], y[1536:], 29), "acc"))
