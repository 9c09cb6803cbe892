"""A Module scored by forward(batch), which is training mode: none of its operators depends on the mode.

Warnings: none
"""

import mxnet as mx
import numpy as np

mx.random.seed(67)
np.random.seed(67)
x = np.random.normal(size=(512, 16)).astype("float32")
y = x[:, :4].argmax(axis=1).astype("float32")
training = mx.io.NDArrayIter(x, y, 32, shuffle=True)
validation = mx.io.NDArrayIter(x, y, 32)
net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=24, name="fc1")
net = mx.sym.FullyConnected(mx.sym.LeakyReLU(net, slope=0.1), num_hidden=4, name="fc2")
module = mx.mod.Module(mx.sym.SoftmaxOutput(net, name="softmax"))
module.bind(training.provide_data, training.provide_label)
module.init_params(mx.init.Xavier())
module.init_optimizer(optimizer_params={"learning_rate": 0.5})
for _ in range(3):
    training.reset()
    validation.reset()
    right = 0
    for batch in training:
        module.forward_backward(batch)
        module.update()
    for batch in validation:
        module.forward(batch)
        right += (module.get_outputs()[0].argmax(axis=1) == batch.label[0]).sum().asscalar()
    print(f"accuracy {right / len(y):.2f}")
