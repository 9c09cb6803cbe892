"""Two losses of one Module, the second weighed inside of MakeLoss by its grad_scale

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(338)
np.random.seed(338)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
train = mx.io.NDArrayIter(x[:1408], y[:1408], 64, shuffle=True)
data = mx.sym.Variable("data")
features = mx.sym.Activation(mx.sym.FullyConnected(data, num_hidden=32), act_type="relu")
scores = mx.sym.SoftmaxOutput(
    mx.sym.FullyConnected(features, num_hidden=10), name="softmax", normalization="batch"
)
error = mx.sym.mean(
    mx.sym.square(mx.sym.FullyConnected(features, num_hidden=64) - data), axis=1, keepdims=True
)
rebuilt = mx.sym.MakeLoss(error, grad_scale=0.01, normalization="batch")
module = mx.mod.Module(mx.sym.Group([scores, rebuilt]))
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Xavier())
module.init_optimizer(optimizer=mx.optimizer.SGD(learning_rate=0.1))
for batch in train:
    module.forward_backward(batch)
    module.update()
