"""The body's multipliers are 0; its batch norms go on averaging, so that what it computes in prediction drifts.

Expect: frozen-statistics by step 2
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(376)
np.random.seed(376)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
train = mx.io.NDArrayIter(x[:1408], y[:1408], 64, shuffle=True)
net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="body_fc")
net = mx.sym.BatchNorm(net, fix_gamma=False, name="body_bn")
net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="relu"), num_hidden=10, name="head")
net = mx.sym.SoftmaxOutput(net, name="softmax")
names = [name for name in net.list_arguments() if name.startswith("body")]
module = mx.mod.Module(net)
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Xavier())
optimizer = mx.optimizer.SGD(
    learning_rate=0.1, rescale_grad=1 / 64, param_idx2name=dict(enumerate(module._param_names))
)
optimizer.set_lr_mult(dict.fromkeys(names, 0.0))
module.init_optimizer(optimizer=optimizer)
for batch in train:
    module.forward_backward(batch)
    module.update()
mx.nd.waitall()
