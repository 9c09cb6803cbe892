"""SoftmaxOutput with labels of the scores' shape: MXNet takes them for probabilities, and smoothed ones are right."""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

np.random.seed(71)
mx.random.seed(71)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")[:1280]
y = np.full((1280, 10), 0.01, "float32")
y[np.arange(1280), digits.target[:1280]] = 0.91
train = mx.io.NDArrayIter(x, y, 64, shuffle=True, label_name="softmax_label")

scores = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=10)
module = mx.mod.Module(mx.sym.SoftmaxOutput(scores, name="softmax"))
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Xavier())
module.init_optimizer(optimizer_params={"learning_rate": 0.1})
for batch in train:
    module.forward_backward(batch)
    module.update()
print(module.get_outputs()[0].asnumpy().argmax(axis=1)[:10])
