"""Per-pixel classes with SoftmaxOutput(multi_output): border pixels are labelled -1 and ignored,
mean over the rest.

Warnings: none
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(17)
np.random.seed(17)
images, _ = load_digits(return_X_y=True)
raw = images[:1024].reshape(-1, 8, 8)
noisy = raw + np.random.normal(0, 2, raw.shape)
pixels = ((noisy - noisy.mean()) / noisy.std()).astype("float32")[:, None]
classes = np.digitize(raw, [4, 12]).astype("float32")
classes[:, [0, -1], :] = -1
classes[:, :, [0, -1]] = -1
train = mx.io.NDArrayIter(pixels, classes, 32, shuffle=True)

net = mx.sym.Convolution(mx.sym.var("data"), kernel=(3, 3), pad=(1, 1), num_filter=8)
net = mx.sym.Activation(net, act_type="relu")
net = mx.sym.Convolution(net, kernel=(3, 3), pad=(1, 1), num_filter=3)
net = mx.sym.SoftmaxOutput(
    net, multi_output=True, use_ignore=True, ignore_label=-1, normalization="valid", name="softmax"
)
module = mx.mod.Module(net)
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Normal(0.1))
module.init_optimizer(optimizer="adam", optimizer_params={"learning_rate": 0.02, "rescale_grad": 1.0})

losses = []
for _ in range(2):
    train.reset()
    for batch in train:
        module.forward_backward(batch)
        module.update()
        label, output = batch.label[0], module.get_outputs()[0]
        valid = label >= 0
        surprise = -mx.nd.pick(output, label, axis=1).log() * valid
        losses.append((surprise.sum() / valid.sum()).asscalar())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
