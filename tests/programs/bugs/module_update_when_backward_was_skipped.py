"""Batches that are right already skip backward(), but not update(): an old gradient is applied again.

Source: The Straight Dope #348 (Gluon warns of this, Module does not)
Expect: backward-once by step 31
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(12)
mx.random.seed(12)
x, y = load_digits(return_X_y=True)
x = (x - x.mean()) / x.std()
train = mx.io.NDArrayIter(x[:1792], y[:1792], batch_size=64, shuffle=True)

net = mx.sym.Variable("data")
net = mx.sym.FullyConnected(net, name="fc1", num_hidden=64)
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.FullyConnected(net, name="fc2", num_hidden=10)
net = mx.sym.SoftmaxOutput(net, name="softmax")

module = mx.mod.Module(net)
module.bind(data_shapes=train.provide_data, label_shapes=train.provide_label)
module.init_params(mx.init.Xavier())
module.init_optimizer(optimizer_params=(("learning_rate", 0.2),))

skipped = 0
for epoch in range(3):
    train.reset()
    accuracy = mx.metric.Accuracy()
    for batch in train:
        module.forward(batch, is_train=True)
        module.update_metric(accuracy, batch.label)
        right = (module.get_outputs()[0].argmax(axis=1) == batch.label[0]).mean().asscalar()
        if right < 0.95:
            module.backward()
        else:
            skipped += 1
        module.update()
    print("epoch", epoch, accuracy.get(), "backward skipped:", skipped)
