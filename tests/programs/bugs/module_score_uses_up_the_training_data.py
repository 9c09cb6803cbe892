"""After each epoch the module is scored on its training data, which nobody resets: the next epoch has no batch.

Source: Apache MXNet #2633 (the same iterator is trained on and evaluated)
Expect: exhausted-iterator by step 22
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(60)
mx.random.seed(60)
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

for epoch in range(4):
    for batch in train:
        module.forward_backward(batch)
        module.update()
    print(f"epoch {epoch}: {module.score(train, 'acc')}")
