"""Batches are made by hand; the labels were cut out before the loop.

Expect: repeated-batch by step 3
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(379)
np.random.seed(379)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32)
net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="relu"), num_hidden=10)
module = mx.mod.Module(mx.sym.SoftmaxOutput(net, name="softmax"))
module.bind([("data", (64, 64))], [("softmax_label", (64,))])
module.init_params(mx.init.Xavier())
module.init_optimizer(optimizer_params={"learning_rate": 0.1})
labels = mx.nd.array(y[:64])
for start in range(0, 1408, 64):
    batch = mx.io.DataBatch([mx.nd.array(x[start : start + 64])], [labels])
    module.forward_backward(batch)
    module.update()
