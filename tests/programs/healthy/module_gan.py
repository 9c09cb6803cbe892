"""A GAN of two Modules: the discriminator's gradients of the fake and real halves are added before
its update.

Warnings: none
"""

import mxnet as mx
import numpy as np

mx.random.seed(8)
rng = np.random.RandomState(8)
BATCH, NOISE = 32, 4


def real_batch():
    angle = rng.uniform(0, 2 * np.pi, BATCH)
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * 1.4
    return mx.nd.array(points + rng.normal(0, 0.05, points.shape))


def mlp(data, outputs, name):
    hidden = mx.sym.FullyConnected(data, num_hidden=24, name=name + "1")
    hidden = mx.sym.LeakyReLU(hidden, slope=0.2)
    return mx.sym.FullyConnected(hidden, num_hidden=outputs, name=name + "2")


generator = mx.mod.Module(mlp(mx.sym.var("noise"), 2, "g"), data_names=["noise"], label_names=None)
generator.bind(data_shapes=[("noise", (BATCH, NOISE))])
head = mx.sym.LogisticRegressionOutput(mlp(mx.sym.var("data"), 1, "d"), mx.sym.var("label"))
discriminator = mx.mod.Module(head, data_names=["data"], label_names=["label"])
discriminator.bind([("data", (BATCH, 2))], [("label", (BATCH, 1))], inputs_need_grad=True)
for module in (generator, discriminator):
    module.init_params(mx.init.Normal(0.1))
    settings = {"learning_rate": 0.01, "beta1": 0.5, "rescale_grad": 1.0 / BATCH}
    module.init_optimizer(optimizer="adam", optimizer_params=settings)

ones, zeros = mx.nd.ones((BATCH, 1)), mx.nd.zeros((BATCH, 1))
d_losses, distances = [], []
for _ in range(80):
    noise = mx.io.DataBatch([mx.nd.random.normal(shape=(BATCH, NOISE))], [])
    generator.forward(noise, is_train=True)
    fake = generator.get_outputs()

    discriminator.forward(mx.io.DataBatch(fake, [zeros]), is_train=True)
    discriminator.backward()
    of_fake = [[g.copy() for g in grads] for grads in discriminator._exec_group.grad_arrays]
    on_fake = discriminator.get_outputs()[0].copy()

    discriminator.forward(mx.io.DataBatch([real_batch()], [ones]), is_train=True)
    discriminator.backward()
    for grads, saved in zip(discriminator._exec_group.grad_arrays, of_fake, strict=True):
        for grad, other in zip(grads, saved, strict=True):
            grad += other
    discriminator.update()
    on_real = discriminator.get_outputs()[0]
    d_losses.append(-(on_real.log().mean() + (1 - on_fake).log().mean()).asscalar())

    discriminator.forward(mx.io.DataBatch(fake, [ones]), is_train=True)
    discriminator.backward()
    generator.backward(discriminator.get_input_grads())
    generator.update()
    distances.append(abs(fake[0].norm(axis=1).mean().asscalar() - 1.4))
print(f"discriminator {d_losses[0]:.3f} .. {d_losses[-1]:.3f}; distance of the radii:")
print(f"loss {np.mean(distances[:5]):.3f} -> {np.mean(distances[-5:]):.3f}")
