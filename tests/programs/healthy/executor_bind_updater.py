"""Symbol.bind with own arrays, head gradients given to backward, and mx.optimizer.get_updater for
the weights.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(61)
rng = np.random.RandomState(61)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
BATCH = 48

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32, name="fc1")
net = mx.sym.FullyConnected(mx.sym.tanh(net), num_hidden=10, name="fc2")
net = mx.sym.log_softmax(net)

shapes, _, _ = net.infer_shape(data=(BATCH, 64))
arguments = {name: mx.nd.zeros(shape) for name, shape in zip(net.list_arguments(), shapes, strict=True)}
gradients = {name: mx.nd.zeros(a.shape) for name, a in arguments.items() if name != "data"}
initialize = mx.init.Xavier(magnitude=0.5)
for name in gradients:
    initialize(mx.init.InitDesc(name), arguments[name])
executor = net.bind(mx.cpu(), arguments, args_grad=gradients, grad_req="write")
updater = mx.optimizer.get_updater(mx.optimizer.create("adam", learning_rate=0.005))

losses = []
for _ in range(2):
    order = rng.permutation(1536)
    for start in range(0, 1536, BATCH):
        rows = order[start : start + BATCH]
        arguments["data"][:] = images[rows]
        one_hot = mx.nd.one_hot(mx.nd.array(labels[rows]), 10)
        (log_probabilities,) = executor.forward(is_train=True)
        executor.backward([-one_hot / BATCH])
        for index, name in enumerate(gradients):
            updater(index, gradients[name], arguments[name])
        losses.append(-(one_hot * log_probabilities).sum().asscalar() / BATCH)
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
