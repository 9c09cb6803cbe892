"""Module's own loop written out: bind, init, forward_backward, update, update_metric, score after
each epoch.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(2)
np.random.seed(2)
images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32").reshape(-1, 1, 8, 8)
train = mx.io.NDArrayIter(images[:1536], labels[:1536], 64, shuffle=True)
valid = mx.io.NDArrayIter(images[1536:1792], labels[1536:1792], 64)

net = mx.sym.Convolution(mx.sym.var("data"), kernel=(3, 3), num_filter=8, name="conv")
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.Pooling(net, kernel=(2, 2), stride=(2, 2), pool_type="max")
net = mx.sym.FullyConnected(mx.sym.Flatten(net), num_hidden=10, name="fc")
net = mx.sym.SoftmaxOutput(net, name="softmax")

module = mx.mod.Module(net, data_names=["data"], label_names=["softmax_label"])
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Normal(0.1))
module.init_optimizer(optimizer="sgd", optimizer_params=(("learning_rate", 0.1), ("momentum", 0.9)))

losses = []
for epoch in range(3):
    train.reset()
    metric = mx.metric.CrossEntropy()
    for batch in train:
        module.forward_backward(batch)
        module.update()
        module.update_metric(metric, batch.label)
        losses.append(metric.get()[1])
    print(epoch, metric.get(), module.score(valid, "acc"))
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
