"""An updater of one's own numbers its parameters; the multipliers are given by name, and the optimiser knows no names.

Source: Apache MXNet #9511 (set_lr_mult without param_idx2name does nothing, and says nothing)
Expect: unused-multiplier by step 44
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(63)
mx.random.seed(63)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1408], digits.target[:1408], batch_size=64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")
executor = net.simple_bind(mx.cpu(), data=(64, 64), softmax_label=(64,))
names = [name for name in net.list_arguments() if name not in ("data", "softmax_label")]
for name in names:
    mx.init.Xavier()(mx.init.InitDesc(name), executor.arg_dict[name])
optimizer = mx.optimizer.SGD(learning_rate=0.1, rescale_grad=1 / 64)
optimizer.set_lr_mult({"fc1_weight": 0.1, "fc1_bias": 0.1})
updater = mx.optimizer.get_updater(optimizer)

for epoch in range(2):
    train.reset()
    right = 0
    for batch in train:
        executor.forward(is_train=True, data=batch.data[0], softmax_label=batch.label[0])
        executor.backward()
        for index, name in enumerate(names):
            updater(index, executor.grad_dict[name], executor.arg_dict[name])
        right += (executor.outputs[0].argmax(axis=1) == batch.label[0]).sum().asscalar()
    print(f"epoch {epoch}: accuracy {right / 1408:.3f}")
