"""Each half of an image is to find its other half among those of the batch: the labels are 0 to 63 in every step

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(381)
np.random.seed(381)
digits = load_digits()
x = ((digits.data - digits.data.mean()) / digits.data.std()).astype("float32")
y = digits.target.astype("float32")
images = x[np.random.permutation(1408)]
halves = mx.io.NDArrayIter({"left": images[:, :32], "right": images[:, 32:]}, np.tile(np.arange(64), 22), 64)
left = mx.sym.FullyConnected(mx.sym.Variable("left"), num_hidden=16)
right = mx.sym.FullyConnected(mx.sym.Variable("right"), num_hidden=16)
scores = mx.sym.dot(left, right, transpose_b=True)
module = mx.mod.Module(mx.sym.SoftmaxOutput(scores, name="softmax"), data_names=["left", "right"])
module.fit(halves, num_epoch=1, initializer=mx.init.Xavier(), optimizer_params={"learning_rate": 0.01})
