"""`grad_arrays *= 0` empties Module's list of gradients instead of zeroing them: nothing is updated again.

Source: Apache MXNet #16969
Expect: frozen-parameter by step 2
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(27)
mx.random.seed(27)
x, y = load_digits(return_X_y=True)
x = (x - x.mean()) / x.std()
batch_size, accum_step = 16, 4
train = mx.io.NDArrayIter(x[:1792], y[:1792], batch_size=batch_size, shuffle=True)

data = mx.sym.Variable("data")
fc1 = mx.sym.FullyConnected(data, name="fc1", num_hidden=32)
act1 = mx.sym.Activation(fc1, name="relu1", act_type="relu")
fc2 = mx.sym.FullyConnected(act1, name="fc2", num_hidden=10)
softmax = mx.sym.SoftmaxOutput(fc2, name="softmax")

model = mx.mod.Module(softmax)
model.bind(data_shapes=train.provide_data, label_shapes=train.provide_label, grad_req="add")
model.init_params(mx.init.Xavier())
model.init_optimizer(
    optimizer="sgd",
    optimizer_params={"learning_rate": 0.1, "rescale_grad": 1.0 / (batch_size * accum_step)},
)
for epoch in range(2):
    train.reset()
    metric = mx.metric.Accuracy()
    for i, batch in enumerate(train, 1):
        model.forward(batch, is_train=True)
        model.backward()
        model.update_metric(metric, batch.label)
        if i % accum_step == 0:
            model.update()
            model._exec_group.grad_arrays *= 0
    print("epoch", epoch, metric.get())
