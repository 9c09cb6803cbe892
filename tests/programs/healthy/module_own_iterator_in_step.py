"""An iterator of the program's own that takes images and labels by the same rows

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(380)
np.random.seed(380)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")


class Shuffled(mx.io.DataIter):
    def __init__(self):
        super().__init__(64)
        self.provide_data, self.provide_label = [("data", (64, 64))], [("softmax_label", (64,))]
        self.reset()

    def reset(self):
        self.order, self.at = np.random.permutation(1408), 0

    def next(self):
        if self.at == 1408:
            raise StopIteration
        rows = self.order[self.at : self.at + 64]
        self.at += 64
        labels = y[rows]
        return mx.io.DataBatch([mx.nd.array(x[rows])], [mx.nd.array(labels)], pad=0)


net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32)
net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="relu"), num_hidden=10)
module = mx.mod.Module(mx.sym.SoftmaxOutput(net, name="softmax"))
module.fit(Shuffled(), num_epoch=1, initializer=mx.init.Xavier(), optimizer_params={"learning_rate": 0.1})
