"""A custom operator in a Module, a square, whose backward pass forgets the gradient that comes from above.

Expect: loss-derivative by step 2
"""

import mxnet as mx
import numpy as np

mx.random.seed(314)
np.random.seed(314)
x = np.random.normal(size=(192, 8)).astype("float32")
y = x[:, :3].argmax(axis=1).astype("float32")


class Square(mx.operator.CustomOp):
    def forward(self, is_train, req, in_data, out_data, aux):
        self.assign(out_data[0], req[0], mx.nd.square(in_data[0]))

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        self.assign(in_grad[0], req[0], 2 * in_data[0])


@mx.operator.register("bug_square")
class SquareProp(mx.operator.CustomOpProp):
    def create_operator(self, ctx, shapes, dtypes):
        return Square()


hidden = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=12)
hidden = mx.sym.Custom(hidden, op_type="bug_square", name="squares")
net = mx.mod.Module(mx.sym.SoftmaxOutput(mx.sym.FullyConnected(hidden, num_hidden=3), name="softmax"))
net.fit(
    mx.io.NDArrayIter(x, y, 16),
    initializer=mx.init.Xavier(),
    optimizer_params={"learning_rate": 0.05},
    num_epoch=1,
)
print("fitted")
