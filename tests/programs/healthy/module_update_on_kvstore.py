"""The optimiser runs inside the KVStore (update_on_kvstore): two devices and no KVStore to compare with.

Warnings: repeated-batch (it does not shuffle)
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")


def train(context, kvstore):
    mx.random.seed(7)
    np.random.seed(7)
    data = mx.io.NDArrayIter(images[:1536], labels[:1536], 64, shuffle=True)
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32, name="fc1")
    net = mx.sym.Activation(net, act_type="relu")
    net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")
    module = mx.mod.Module(net, context=context)
    module.bind(data.provide_data, data.provide_label)
    module.init_params(mx.init.Uniform(0.08))
    module.init_optimizer(kvstore=kvstore, optimizer="adam", optimizer_params={"learning_rate": 0.005})
    losses = []
    metric = mx.metric.CrossEntropy()
    for _ in range(2):
        data.reset()
        for batch in data:
            metric.reset()
            module.forward_backward(batch)
            module.update()
            module.update_metric(metric, batch.label)
            losses.append(metric.get()[1])
    return losses


on_store = train([mx.cpu(0), mx.cpu(1)], mx.kv.create("local"))
off_store = train(mx.cpu(), None)
print("last losses", on_store[-1], off_store[-1])
print(f"loss {on_store[0]:.3f} -> {on_store[-1]:.3f}")
