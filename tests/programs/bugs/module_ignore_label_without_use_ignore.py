"""Unlabelled examples have label -1 and ignore_label=-1 is set, but use_ignore is not: they are trained on.

Source: Apache MXNet #6199
Expect: label-range by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(40)
mx.random.seed(40)
x, y = load_digits(return_X_y=True)
x = (x - x.mean()) / x.std()
y = np.where(np.random.rand(len(y)) < 0.3, -1, y)  # three in ten were never labelled
train = mx.io.NDArrayIter(x[:1792], y[:1792], batch_size=64, shuffle=True)

net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.FullyConnected(net, num_hidden=10, name="fc2")
net = mx.sym.SoftmaxOutput(net, name="softmax", ignore_label=-1)

module = mx.mod.Module(net)
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Normal(0.1))
module.init_optimizer(optimizer="sgd", optimizer_params={"learning_rate": 0.1})
for epoch in range(2):
    train.reset()
    right = labelled = 0
    for batch in train:
        module.forward_backward(batch)
        module.update()
        truth = batch.label[0].asnumpy()
        guess = module.get_outputs()[0].asnumpy().argmax(axis=1)
        right += (guess == truth).sum()
        labelled += (truth >= 0).sum()
    print(f"epoch {epoch}: accuracy on labelled examples {right / labelled:.3f}")
