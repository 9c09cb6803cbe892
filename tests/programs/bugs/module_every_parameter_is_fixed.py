"""All parameters are listed as fixed, the head's included, so that fit trains nothing.

Expect: everything-fixed by step 0
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(331)
np.random.seed(331)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
train = mx.io.NDArrayIter(x[:1408], y[:1408], 64, shuffle=True)
net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="body")
net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="relu"), num_hidden=10, name="head")
net = mx.sym.SoftmaxOutput(net, name="softmax")
fixed = [name for name in net.list_arguments() if name.endswith(("weight", "bias"))]
module = mx.mod.Module(net, fixed_param_names=fixed)
module.fit(train, num_epoch=1, initializer=mx.init.Xavier())
print(module.score(train, "acc"))
