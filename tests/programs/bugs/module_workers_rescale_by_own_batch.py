"""Two workers, and an optimiser made by hand, as a module expects it from one: rescale_grad is 1/batch_size and not
1/batch_size/num_workers.

Source: zhreshold/mxnet-ssd #191 (another number of hosts gives a very different loss)

Expect: mean-loss by step 1
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
mx.random.seed(13)
np.random.seed(13)
data = mx.io.NDArrayIter(x[mine], y[mine], batch_size=32, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32)
net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="relu"), num_hidden=10)
module = mx.mod.Module(mx.sym.SoftmaxOutput(net, name="softmax"))
sgd = mx.optimizer.SGD(learning_rate=0.1, momentum=0.9, rescale_grad=1 / 32)
module.fit(data, num_epoch=2, kvstore=store, optimizer=sgd, initializer=mx.init.Xavier())
print(f"worker {store.rank}:", module.score(mx.io.NDArrayIter(x[1536:], y[1536:], 29), "acc"))
