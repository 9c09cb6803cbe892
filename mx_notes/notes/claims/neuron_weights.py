"""Test that a neuron's value changes with the image, and that a saved model holds parameters, and a little more."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ... import models
from ...runtime import mx
from ..claim import Claim, Evidence, Figure, Setting, Table, Verdict
from ..lab import figures, small_training, splits
from ..lab.splits import Split

MODEL, SHAPE = "cifar_resnet20_v1", (1, 8, 8)
IMAGES = 100
ALIVE = 0.9  # so many neurons must take more than one value: some ReLUs may give 0 for every digit
DIGITS, CHANNELS = (3, 8), 5  # in the picture
KINDS = {
    "weights": ("weight",),
    "biases": ("bias",),
    "batch-norm γ, β": ("gamma", "beta"),
    "running statistics": ("running_mean", "running_var"),
}
STATISTICS = "running statistics"


def neurons(net: mx.gluon.HybridBlock, images: np.ndarray) -> list[np.ndarray]:
    """Compute the values of the neurons after each part of the network: arrays of shape (images, ...)."""
    values, signal = [], mx.nd.array(images)
    for part in (*net.features, net.output):
        signal = part(signal)
        values.append(signal.asnumpy())
    return values


def changed_by_a_step(net: mx.gluon.HybridBlock, split: Split, learning_rate: float) -> set[str]:
    """Name the arrays that one step of training on 64 images changes."""
    before = parameters(net)
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": learning_rate})
    small_training.update(net, trainer, split.train_images[:64], split.train_labels[:64])
    after = parameters(net)
    return {name for name in before if not np.array_equal(before[name], after[name])}


CLAIM = Claim(
    id="neuron-weights",
    heading="neural-network",
    order=3,
    quote="我们保存的模型其实主要就是模型的连接矩阵",
    question="Make one training step with a learning rate of 0, and save the model again. Which saved numbers have changed?",
    answers={
        Verdict.CONFIRMED: "None: a model is what it has learned.",
        Verdict.CORRECTED: "Some: a model also holds averages that are not learned.",
        Verdict.REFUTED: "It can't be told: a file doesn't hold the whole network.",
    },
    statement="A neuron is a variable: its value follows from the input and from the connections of the layers "
    "before it, which are fixed weights. Saving a model is, in the main, saving these weights, and they are what "
    "training learns.",
    method="A ResNet-20 trained on digits is saved in MXNet's three ways (Gluon's save_parameters and export, "
    f"Module's save_checkpoint). Networks loaded from one file see {IMAGES} images, and the values of all neurons "
    "are compared. Names and values in the files are compared with the network's arguments and auxiliary states. "
    "Then a step of training is made with a learning rate of 0: a saved array that it changes is not learned by "
    "gradient.",
    criterion="Refuted if two networks from one file differ in a bit on the same images, if fewer than "
    f"{ALIVE:.0%} of the neurons take more than one value over {IMAGES} images, or if a file holds anything but all "
    "arguments and auxiliary states; else confirmed if a step at a learning rate of 0 changes 0 of the saved arrays, "
    "corrected if it changes some.",
    shown=(neurons, changed_by_a_step),
)


def verdict(differing: float, varying: float, strange: int, changed: int) -> tuple[Verdict, str]:
    """Apply the criterion.

    differing: the fraction of neurons that differ between two networks from one file, on the same images.
    varying: the fraction of neurons that take more than one value. strange: how many arrays are missing in
    the files, differ or do not belong there. changed: how many arrays a step at a learning rate of 0 changes.
    """
    told = (
        f"{varying:.1%} of the neurons change with the image, and {differing:.0%} between two networks from one "
        f"file. The files hold the arguments and the auxiliary states, with {strange} exceptions."
    )
    if differing > 0 or varying < ALIVE or strange > 0:
        return Verdict.REFUTED, told
    if changed:
        return (
            Verdict.CORRECTED,
            f"{told} But {changed} of these arrays change though the learning rate is 0.",
        )
    return Verdict.CONFIRMED, told


def measure(setting: Setting) -> Evidence:
    """Train, save, load, compare."""
    split = splits.digits(setting.seed)
    net = models.build(MODEL, 10, SHAPE)
    epochs = 2 if setting.quick else 5
    accuracy = small_training.train(net, split, epochs=epochs, seed=setting.seed).test_accuracy[-1]
    with tempfile.TemporaryDirectory() as folder:
        file = save(net, Path(folder))
        strange = strange_arrays(net, file)
        compared, varying = compare_neurons(file, split)
        frozen = changed_by_a_step(load(file), split, learning_rate=0.0)
        moved = changed_by_a_step(load(file), split, learning_rate=0.1)
        reset_accuracy = accuracy_without_statistics(load(file), split)
        figure = _figure(load(file), split, contents(net))
    compared_same = compared["two networks from one file, same image"]
    decided, reason = verdict(compared_same, varying, strange, len(frozen))
    kinds = contents(net)
    return Evidence(
        verdict=decided,
        deciding=f"At a learning rate of 0 a step changes {len(frozen)} of {len(parameters(net))} saved arrays; no image "
        "changes any.",
        reason=reason,
        correction=correction(kinds, frozen, accuracy, reset_accuracy)
        if decided is Verdict.CORRECTED
        else "",
        numbers={
            "neurons_that_differ": compared,
            "neurons_with_more_than_one_value": varying,
            "arrays_missing_superfluous_or_different": strange,
            "changed_at_learning_rate_0": sorted(frozen),
            "arrays_by_kind": {kind: len(arrays) for kind, arrays in kinds.items()},
            "values_by_kind": {kind: size(arrays.values()) for kind, arrays in kinds.items()},
            "test_accuracy": accuracy,
            "test_accuracy_with_statistics_at_their_start": reset_accuracy,
        },
        tables=[
            Table(
                "What the file holds, and what one step of training changes, by learning rate",
                ("kind", "arrays", "values", "changed at 0", "changed at 0.1"),
                [
                    (kind, len(a), size(a.values()), len(frozen & a.keys()), len(moved & a.keys()))
                    for kind, a in kinds.items()
                ],
            ),
            Table(
                "What a neuron's value depends on",
                ("compared", "neurons that differ"),
                [(what, f"{fraction:.1%}") for what, fraction in compared.items()],
            ),
        ],
        figures=[figure],
        sample=f"digits, {MODEL} after {epochs} epochs (test accuracy {accuracy:.3f}), {IMAGES} images",
    )


def parameters(net: mx.gluon.HybridBlock) -> dict[str, np.ndarray]:
    """Copy all arrays of a network by name, running statistics included, once the engine has written them."""
    mx.nd.waitall()
    return {name: p.data().asnumpy() for name, p in net.collect_params().items()}


def save(net: mx.gluon.HybridBlock, folder: Path) -> Path:
    """Save by save_parameters, export and Module.save_checkpoint; returns the first file, which lies beside the others."""
    mx.nd.waitall()
    net.save_parameters(str(folder / "gluon.params"))
    net.export(str(folder / "export"))
    symbol, arguments, auxiliary = mx.model.load_checkpoint(str(folder / "export"), 0)
    module = mx.mod.Module(symbol, label_names=None)
    module.bind([("data", (1, *SHAPE))], for_training=False)
    module.set_params(arguments, auxiliary)
    module.save_checkpoint(str(folder / "module"), 0)
    return folder / "gluon.params"


def load(file: Path) -> mx.gluon.HybridBlock:
    """Build a new network with the parameters in the file."""
    net = models.build(MODEL, 10, SHAPE)
    net.load_parameters(str(file))
    return net


def strange_arrays(net: mx.gluon.HybridBlock, file: Path) -> int:
    """Count the arrays of the three files that are missing, too many, or not bit for bit the network's."""
    own = parameters(net)
    symbol = models.logits_symbol(net)
    expected = {f"arg:{name}": own[name] for name in symbol.list_arguments() if name != "data"}
    expected |= {f"aux:{name}": own[name] for name in symbol.list_auxiliary_states()}
    # save_parameters gives the arrays names of its own; a network loaded from the file has the network's names.
    count = abs(len(mx.nd.load(str(file))) - len(own)) + unequal(parameters(load(file)), own)
    for name in ("export-0000.params", "module-0000.params"):
        held = {key: array.asnumpy() for key, array in mx.nd.load(str(file.parent / name)).items()}
        count += unequal(held, expected)
    return count


def unequal(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> int:
    """Count the names that only one of two sets has, or that have different values."""
    return len(a.keys() ^ b.keys()) + sum(
        not np.array_equal(a[name], b[name]) for name in a.keys() & b.keys()
    )


def compare_neurons(file: Path, split: Split) -> tuple[dict[str, float], float]:
    """Measure the fractions of neurons that differ, by what was compared, and that take more than one value."""
    images = split.test_images[:IMAGES]
    with_others = np.concatenate([images[:1], images[: IMAGES // 2 - 1 : -1]])  # the first, among others
    beside = images[: len(with_others)]
    net, again, later = load(file), load(file), load(file)
    changed_by_a_step(later, split, learning_rate=0.1)
    values = neurons(net, images)
    compared = {
        "two networks from one file, same image": differ(values, neurons(again, images)),
        "same network, another image": differ([v[:-1] for v in values], [v[1:] for v in values]),
        "one step of training later, same image": differ(values, neurons(later, images)),
        "other images beside it, inference": differ(first(net, beside), first(net, with_others)),
    }
    with mx.autograd.train_mode():
        compared["other images beside it, training mode"] = differ(
            first(net, beside), first(net, with_others)
        )
    varies = np.concatenate([(v != v[:1]).any(axis=0).ravel() for v in values])
    return compared, float(varies.mean())


def first(net: mx.gluon.HybridBlock, images: np.ndarray) -> list[np.ndarray]:
    """Compute the neurons' values for the first image."""
    return [v[0] for v in neurons(net, images)]


def differ(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """Measure the fraction of values that differ."""
    return sum(int((x != y).sum()) for x, y in zip(a, b, strict=True)) / size(a)


def size(arrays: Iterable[np.ndarray]) -> int:
    """Count the values of all arrays together."""
    return sum(array.size for array in arrays)


def contents(net: mx.gluon.HybridBlock) -> dict[str, dict[str, np.ndarray]]:
    """Sort the network's arrays by kind and name."""
    own = parameters(net)
    return {kind: {n: a for n, a in own.items() if n.endswith(endings)} for kind, endings in KINDS.items()}


def accuracy_without_statistics(net: mx.gluon.HybridBlock, split: Split) -> float:
    """Measure test accuracy with the running statistics put back to their start: means 0, variances 1."""
    for name, parameter in net.collect_params().items():
        if name.endswith(KINDS[STATISTICS]):
            start = mx.nd.ones if name.endswith("running_var") else mx.nd.zeros
            parameter.set_data(start(parameter.shape))
    return small_training.score(net, split.test_images, split.test_labels)[1]


def correction(kinds: dict[str, dict], changed: set[str], accuracy: float, reset_accuracy: float) -> str:
    """Put the statement right, with the measured numbers."""
    total = sum(size(arrays.values()) for arrays in kinds.values())
    statistics = size(kinds[STATISTICS].values())
    return (
        f"The file holds what is learned by gradient (weights, biases, γ and β: {total - statistics:,} values) and, "
        f"besides, batch norm's running means and variances ({statistics:,} values in {len(changed)} arrays), which "
        "are averages over the batches seen, not learned: they change even at a learning rate of 0. They cannot be "
        f"left out: put back to their start, test accuracy falls from {accuracy:.3f} to {reset_accuracy:.3f}. And "
        "while a network with batch norm trains, a neuron's value depends on the other images of the batch too."
    )


def _figure(net: mx.gluon.HybridBlock, split: Split, kinds: dict[str, dict]) -> Figure:
    drawing, (above, below) = figures.new(2, height=2.4)
    chosen = [int(np.flatnonzero(split.test_labels == digit)[0]) for digit in DIGITS]
    images = split.test_images[chosen]
    maps = np.concatenate([images, neurons(net, images)[2][:, :CHANNELS]], axis=1)
    maps -= maps.min(axis=(0, 2, 3), keepdims=True)
    maps /= np.maximum(maps.max(axis=(0, 2, 3), keepdims=True), 1e-6)  # a channel may be 0 everywhere
    framed = np.pad(maps, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=np.nan)
    above.imshow(np.block([list(row) for row in framed]), cmap="cividis")
    above.grid(False)
    above.set_xticks(4.5 + 10 * np.arange(1 + CHANNELS), ["image", *map(str, range(1, 1 + CHANNELS))])
    above.set_yticks(4.5 + 10 * np.arange(2), [f"a {digit}" for digit in DIGITS])
    above.set(xlabel="channel of the first stage")
    sizes = [size(arrays.values()) for arrays in kinds.values()]
    below.barh(
        [kind.replace(" ", "\n", 1) for kind in kinds],
        sizes,
        color=[figures.COLOURS[kind == STATISTICS] for kind in kinds],
    )
    below.bar_label(below.containers[0], [f"{n:,}" for n in sizes], padding=3, color=figures.INK)
    below.invert_yaxis()
    below.set(xlabel="values in the file", xscale="log", xlim=(1, 20 * max(sizes)))
    caption = (
        "Top: two digits and the values of the neurons in a few channels of 8×8, the brighter the greater (a channel "
        "has the same scale for both). Bottom: what is saved, by kind; the last is not learned by gradient. No neuron's "
        "value is among it."
    )
    return Figure.of(drawing, caption)
