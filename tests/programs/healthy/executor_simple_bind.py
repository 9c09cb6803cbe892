"""A raw Executor from simple_bind: forward, backward, and mx.nd.sgd_mom_update by hand on every argument.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(60)
rng = np.random.RandomState(60)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")
BATCH = 64

net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")

inputs = ("data", "softmax_label")
executor = net.simple_bind(mx.cpu(), data=(BATCH, 64), softmax_label=(BATCH,), grad_req="write")
weights = {name: array for name, array in executor.arg_dict.items() if name not in inputs}
momenta = {name: mx.nd.zeros_like(array) for name, array in weights.items()}
for name, array in weights.items():
    array[:] = mx.nd.random.normal(0, 0.05, array.shape) if name.endswith("weight") else 0

losses = []
for _ in range(3):
    order = rng.permutation(1536)
    for start in range(0, 1536, BATCH):
        rows = order[start : start + BATCH]
        outputs = executor.forward(is_train=True, data=images[rows], softmax_label=labels[rows])
        executor.backward()
        for name, weight in weights.items():
            mx.nd.sgd_mom_update(
                weight,
                executor.grad_dict[name],
                momenta[name],
                lr=0.1,
                momentum=0.9,
                rescale_grad=1 / BATCH,
                out=weight,
            )
        losses.append(-np.log(outputs[0].asnumpy()[np.arange(BATCH), labels[rows]]).mean())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
