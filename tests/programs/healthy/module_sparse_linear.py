"""Sparse logistic regression: CSR input and a row_sparse weight whose rows are pulled by their ids
from a local KVStore.

Warnings: none
"""

import mxnet as mx
import numpy as np

mx.random.seed(90)
rng = np.random.RandomState(90)
FEATURES, EXAMPLES, BATCH = 300, 1280, 64
dense = rng.normal(size=(EXAMPLES, FEATURES)) * (rng.rand(EXAMPLES, FEATURES) < 0.05)
dense /= dense.std()
label = (dense @ rng.normal(size=FEATURES) > 0).astype("float32")
dense = dense.astype("float32")

data = mx.sym.var("data", stype="csr")
weight = mx.sym.var("weight", shape=(FEATURES, 2), stype="row_sparse", init=mx.init.Normal(0.01))
bias = mx.sym.var("bias", shape=(2,), init=mx.init.Zero())
net = mx.sym.SoftmaxOutput(mx.sym.broadcast_add(mx.sym.sparse.dot(data, weight), bias), name="softmax")

store = mx.kv.create("local")
module = mx.mod.Module(net)
module.bind([("data", (BATCH, FEATURES))], [("softmax_label", (BATCH,))])
module.init_params()
module.init_optimizer(kvstore=store, optimizer_params={"learning_rate": 0.5})
losses = []
for _ in range(3):
    order = rng.permutation(EXAMPLES)
    for start in range(0, EXAMPLES, BATCH):
        rows = order[start : start + BATCH]
        batch = mx.io.DataBatch([mx.nd.array(dense[rows]).tostype("csr")], [mx.nd.array(label[rows])])
        module.prepare(batch, sparse_row_id_fn=lambda b: {"weight": b.data[0].indices})
        module.forward_backward(batch)
        module.update()
        chosen = mx.nd.pick(module.get_outputs()[0], batch.label[0])
        losses.append(-chosen.log().mean().asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
