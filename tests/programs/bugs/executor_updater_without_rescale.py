"""A bound executor and an updater made by hand: nothing divides SoftmaxOutput's summed gradient by the batch.

Source: Apache MXNet #2994
Expect: mean-loss by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(8)
np.random.seed(8)
x, y = load_digits(return_X_y=True)
x = (x - x.mean()) / x.std()
batch_size = 64

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.FullyConnected(net, num_hidden=10, name="fc2")
net = mx.sym.SoftmaxOutput(net, name="softmax")

exe = net.simple_bind(mx.cpu(), data=(batch_size, 64), softmax_label=(batch_size,))
weights = [name for name in net.list_arguments() if name not in ("data", "softmax_label")]
initializer = mx.init.Xavier()
for name in weights:
    initializer(mx.init.InitDesc(name), exe.arg_dict[name])

updater = mx.optimizer.get_updater(mx.optimizer.create("sgd", learning_rate=0.003))
for epoch in range(2):
    order = np.random.permutation(1792)
    right = 0
    for rows in order.reshape(-1, batch_size):
        exe.forward(is_train=True, data=mx.nd.array(x[rows]), softmax_label=mx.nd.array(y[rows]))
        exe.backward()
        for i, name in enumerate(weights):
            updater(i, exe.grad_dict[name], exe.arg_dict[name])
        right += (exe.outputs[0].asnumpy().argmax(1) == y[rows]).sum()
    print("epoch", epoch, "accuracy", right / 1792)
