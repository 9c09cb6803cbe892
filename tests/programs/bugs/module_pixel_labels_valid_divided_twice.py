"""Segmentation with normalization='valid', a mean over the pixels; Module divides by the batch too.

Source: Apache MXNet #4761
Expect: mean-loss by step 1
"""

import mxnet as mx
import numpy as np
from sklearn.datasets import load_digits

mx.random.seed(1)
rng = np.random.RandomState(1)
np.random.seed(1)

VOID = 255
clean = load_digits().images[:1024]
noisy = clean + rng.normal(0, 3, clean.shape)
noisy = ((noisy - noisy.mean()) / noisy.std()).astype("float32")[:, None]
ink = (clean > 6).astype("float32")
ink[:, [0, -1], :] = VOID  # the border belongs to no class
train = mx.io.NDArrayIter(noisy, ink, batch_size=32, shuffle=True)

body = mx.sym.Convolution(mx.sym.Variable("data"), kernel=(3, 3), pad=(1, 1), num_filter=8, name="conv1")
body = mx.sym.Activation(body, act_type="relu")
scores = mx.sym.Convolution(body, kernel=(1, 1), num_filter=2, name="conv2")
net = mx.sym.SoftmaxOutput(
    scores, name="softmax", multi_output=True, use_ignore=True, ignore_label=VOID, normalization="valid"
)

module = mx.mod.Module(net)
module.bind(train.provide_data, train.provide_label)
module.init_params(mx.init.Xavier())
module.init_optimizer(optimizer="nag", optimizer_params={"learning_rate": 0.5, "momentum": 0.9, "wd": 1e-4})
for epoch in range(2):
    train.reset()
    right = total = 0
    for batch in train:
        module.forward_backward(batch)
        module.update()
        guess = module.get_outputs()[0].asnumpy().argmax(axis=1)
        truth = batch.label[0].asnumpy()
        right += ((guess == truth) & (truth != VOID)).sum()
        total += (truth != VOID).sum()
    print(f"epoch {epoch}: {right / total:.3f} of the pixels right")
