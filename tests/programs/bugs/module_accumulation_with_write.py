"""Module runs four forward and backward passes for each update, bound with the default grad_req='write'.

Source: Apache MXNet #18659
Expect: backward-once by step 2
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

ACCUMULATE = 4
BATCH = 16
np.random.seed(13)
mx.random.seed(13)
digits = load_digits()
x = (digits.data - digits.data.mean()) / digits.data.std()
train = mx.io.NDArrayIter(x[:1792], digits.target[:1792], batch_size=BATCH, shuffle=True)

fc1 = mx.sym.FullyConnected(mx.sym.Variable("data"), name="fc1", num_hidden=32)
act1 = mx.sym.Activation(fc1, name="relu1", act_type="relu")
fc2 = mx.sym.FullyConnected(act1, name="fc2", num_hidden=10)
softmax = mx.sym.SoftmaxOutput(fc2, name="softmax")

model = mx.mod.Module(softmax)
model.bind(train.provide_data, train.provide_label)
model.init_params(mx.init.Xavier())
model.init_optimizer(optimizer_params={"learning_rate": 0.1, "rescale_grad": 1.0 / (BATCH * ACCUMULATE)})

for epoch in range(2):
    train.reset()
    metric = mx.metric.Accuracy()
    for i, batch in enumerate(train, 1):
        model.forward(batch, is_train=True)
        model.backward()
        model.update_metric(metric, batch.label)
        if i % ACCUMULATE == 0:
            model.update()
    print("epoch", epoch, metric.get())
