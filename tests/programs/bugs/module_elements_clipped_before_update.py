"""Gradients are clipped to [-0.1, 0.1] in the executor, where they are sums over the batch; update() divides by 64.

Source: GluonNLP #579 (the clipping is by element, and the optimiser's own clip_gradient would have been right)
Expect: clipped-sum by step 44
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(76)
mx.random.seed(76)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1408], digits.target[:1408], batch_size=64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")
module = mx.mod.Module(net)
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Xavier())
module.init_optimizer(optimizer_params={"learning_rate": 0.1})

for epoch in range(2):
    train.reset()
    for batch in train:
        module.forward_backward(batch)
        for gradients in module._exec_group.grad_arrays:
            for gradient in gradients:
                mx.nd.clip(gradient, -0.1, 0.1, out=gradient)
        module.update()
    print(f"epoch {epoch}: {module.score(train, 'acc')}")
