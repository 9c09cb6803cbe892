"""The digits recipe through Gluon: record, backward, Trainer.step.

    python scripts/train_gluon.py

The loss is one number per example; `backward()` on them sums their gradients and `step(batch_size)`
divides by their number, which together is the gradient of their mean: what Module.forward_backward
does with the mean inside the graph. tests/training/test_training.py holds the two against each other.
"""

import numpy as np

from mx_notes import data, models
from mx_notes.recipes import Recipe, Schedule, preset
from mx_notes.runtime import mx
from mx_notes.training import seed_everything


def trainer_for(net: mx.gluon.HybridBlock, recipe: Recipe, steps_per_epoch: int) -> mx.gluon.Trainer:
    parameters = net.collect_params()
    for name, parameter in parameters.items():
        if not name.endswith(("_weight", "_gamma")):
            parameter.wd_mult = 0  # as Module does
    schedule = Schedule(recipe, steps_per_epoch, base_lr=recipe.learning_rate)
    settings = {"momentum": recipe.momentum, "wd": recipe.weight_decay, "lr_scheduler": schedule}
    return mx.gluon.Trainer(parameters, "sgd", settings)


def train_epoch(net: mx.gluon.HybridBlock, trainer: mx.gluon.Trainer, batches) -> float:
    """One pass over the batches; returns the mean loss."""
    cross_entropy = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    total = examples = 0
    for batch in batches:
        images, labels = batch.data[0], batch.label[0]
        with mx.autograd.record():
            losses = cross_entropy(net(images), labels)
        losses.backward()
        trainer.step(len(labels))
        total, examples = total + losses.sum().asscalar(), examples + len(labels)
    mx.nd.waitall()  # before anything reads batch norm's running statistics
    return total / examples


def accuracy(net: mx.gluon.HybridBlock, batches) -> float:
    right = [net(batch.data[0]).asnumpy().argmax(1) == batch.label[0].asnumpy() for batch in batches]
    return float(np.concatenate(right).mean())


def main() -> None:
    recipe = preset("digits")
    digits = data.load(recipe.data, validation=recipe.validation, seed=recipe.seed)
    augmentation = data.Augmentation(recipe.reflect, recipe.translate, recipe.rotate, recipe.noise)
    feed = digits.training(recipe.batch_size, seed=recipe.seed, augmentation=augmentation)

    seed_everything(recipe.seed)
    net = models.build(recipe.model, len(digits.classes), digits.shape)
    net.initialize(models.initializer())
    net.hybridize(static_alloc=True, static_shape=True)
    trainer = trainer_for(net, recipe, feed.steps)

    for epoch in range(recipe.epochs):
        loss = train_epoch(net, trainer, feed.epoch(epoch))
        validation = accuracy(net, digits.evaluation("validation", recipe.batch_size).epoch(0))
        print(f"epoch {epoch + 1:2}  loss {loss:.4f}  validation accuracy {validation:.4f}")
    test = accuracy(net, digits.evaluation("test", recipe.batch_size).epoch(0))
    print(f"test accuracy {test:.4f}, seed {recipe.seed}")


if __name__ == "__main__":
    main()
