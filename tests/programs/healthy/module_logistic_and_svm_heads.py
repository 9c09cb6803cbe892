"""Two other heads of the symbolic interface: LogisticRegressionOutput for odd or even, SVMOutput
for the digit.

Warnings: repeated-batch (it does not shuffle)
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
images = ((images - images[:1536].mean()) / images[:1536].std()).astype("float32")


def train(head, outputs, targets, learning_rate, error):
    mx.random.seed(91)
    np.random.seed(91)
    data = mx.io.NDArrayIter(images[:1536], targets[:1536], 64, shuffle=True, label_name="label")
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=32)
    net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="relu"), num_hidden=outputs)
    module = mx.mod.Module(head(net, mx.sym.var("label")), label_names=["label"])
    module.bind(data.provide_data, data.provide_label)
    module.init_params(mx.init.Normal(0.05))
    module.init_optimizer(optimizer_params={"learning_rate": learning_rate, "momentum": 0.9, "wd": 1e-4})
    errors = []
    for _ in range(2):
        data.reset()
        for batch in data:
            module.forward_backward(batch)
            errors.append(error(module.get_outputs()[0].asnumpy(), batch.label[0].asnumpy()))
            module.update()
    print(f"loss {errors[0]:.3f} -> {errors[-1]:.3f}")


def surprise(probability, label):
    return -np.log(np.where(label == 1, probability, 1 - probability)).mean()


def wrong(scores, label):
    return (scores.argmax(axis=1) != label).mean()


odd = (labels % 2).astype("float32")[:, None]
train(mx.sym.LogisticRegressionOutput, 1, odd, 0.1, surprise)
train(mx.sym.SVMOutput, 10, labels.astype("float32"), 0.02, wrong)
