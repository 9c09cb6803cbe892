"""Raw pixels 0 to 255 go in; the first layer, a batch normalisation with fixed gamma, standardises
them in the graph.

Warnings: input-scale, batch-norm
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(101)
np.random.seed(101)
images, labels = load_digits(return_X_y=True)
images = (images * 255 / 16).astype("float32").reshape(-1, 1, 8, 8)
train = mx.io.NDArrayIter(images[:1536], labels[:1536], 64, shuffle=True)
test = mx.io.NDArrayIter(images[1536:1792], labels[1536:1792], 64)

net = mx.sym.BatchNorm(mx.sym.var("data"), fix_gamma=True, eps=2e-5, momentum=0.9, name="bn_data")
net = mx.sym.Convolution(net, kernel=(3, 3), num_filter=12, name="conv")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.Pooling(net, kernel=(2, 2), stride=(2, 2), pool_type="max")
net = mx.sym.FullyConnected(net, num_hidden=10, name="fc")
net = mx.sym.SoftmaxOutput(net, name="softmax")
module = mx.mod.Module(net)
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Normal(0.1))
module.init_optimizer(optimizer_params={"learning_rate": 0.1, "momentum": 0.9})
losses = []
metric = mx.metric.CrossEntropy()
for _ in range(2):
    train.reset()
    for batch in train:
        metric.reset()
        module.forward_backward(batch)
        module.update()
        module.update_metric(metric, batch.label)
        losses.append(metric.get()[1])
    mx.nd.waitall()
    print("test", module.score(test, "acc"))
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
