"""An executor scores the test images with forward(is_train=True), so batch norm normalises by the test batch.

Source: Apache MXNet #1304
Expect: train-mode by step 25
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(20)
mx.random.seed(20)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std())[:1792]
y = digits.target[:1792]
n = 64

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, no_bias=True, name="fc1")
net = mx.sym.BatchNorm(net, fix_gamma=False, name="bn1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.FullyConnected(net, num_hidden=10, name="fc2")
net = mx.sym.SoftmaxOutput(net, name="softmax")

exe = net.simple_bind(mx.cpu(), data=(n, 64), softmax_label=(n,))
names = [name for name in net.list_arguments() if name not in ("data", "softmax_label")]
init = mx.init.Xavier()
for name in names:
    init(mx.init.InitDesc(name), exe.arg_dict[name])
exe.aux_dict["bn1_moving_mean"][:] = 0
exe.aux_dict["bn1_moving_var"][:] = 1
sgd = mx.optimizer.SGD(learning_rate=0.1, momentum=0.9, rescale_grad=1.0 / n)
updater = mx.optimizer.get_updater(sgd)


def forward(rows):
    exe.forward(is_train=True, data=mx.nd.array(x[rows]), softmax_label=mx.nd.array(y[rows]))
    return (exe.outputs[0].asnumpy().argmax(axis=1) == y[rows]).sum()


for epoch in range(2):
    right = 0
    for rows in np.random.permutation(1536).reshape(-1, n):
        right += forward(rows)
        exe.backward()
        for i, name in enumerate(names):
            updater(i, exe.grad_dict[name], exe.arg_dict[name])
    mx.nd.waitall()
    tested = sum(forward(rows) for rows in np.arange(1536, 1792).reshape(-1, n))
    print(f"epoch {epoch}: train {right / 1536:.3f}, test {tested / 256:.3f}")
