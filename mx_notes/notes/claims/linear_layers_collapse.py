"""Test that five layers without a non-linearity between them are one: in value, and in what they can learn."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from ...runtime import mx
from ..claim import Claim, Evidence, Figure, Setting, Table, Verdict
from ..lab import figures, small_networks, splits
from ..lab.intervals import Interval, difference, interval, points
from ..lab.small_training import Curve, train

WIDTHS = (64, 64, 64, 64)  # of the hidden layers; the fifth layer scores the classes
INPUTS = 1000
TOLERANCE = 1e-12  # float64 has 16 digits; some are lost in five sums of 64 products
MARGIN = 0.02  # of accuracy: 12 of the 599 test images
NETS = ("logistic regression", "5 linear layers", "5 layers with ReLU")


def collapse(layers: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Fold (weight, bias) layers into a single weight matrix and bias with their outputs.

    By W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2), layer after layer.
    """
    (weight, bias), *later = layers
    for next_weight, next_bias in later:
        weight = next_weight @ weight
        bias = next_weight @ bias + next_bias
    return weight, bias


CLAIM = Claim(
    id="linear-collapse",
    heading="neural-network",
    order=1,
    quote="线性的多层神经网络其实可以转换成一层的神经网络",
    question="Five linear layers in a row, no activation between them. What can they learn that a single one can't?",
    answers={
        Verdict.CONFIRMED: "Nothing: multiplied together, they are one layer.",
        Verdict.REFUTED: "Something: depth helps even without activations.",
    },
    statement="Layers need a non-linear function between them: a deep network of linear layers alone is a "
    "network of one layer.",
    method="A network of five linear layers without activations is trained on digits. Its matrices are "
    f"multiplied into one and its biases folded in; both are given the same {INPUTS} images in float64. Then "
    "test accuracies, paired by seed (same split, batches and learning rate): one linear layer (logistic "
    "regression), the five, and the five with ReLU between them. Each starts from normal weights that keep a "
    "signal's size: variance $1/n$ for $n$ inputs, and $2/n$ before a ReLU.",
    criterion=f"Confirmed if the outputs differ by at most {TOLERANCE:g} of their size, the 95% interval of "
    f"(five linear layers − logistic regression) lies within ±{MARGIN:.0%} of accuracy, and that of (with "
    "ReLU − linear) lies above 0; refuted if the outputs differ by more, the first interval lies outside "
    f"±{MARGIN:.0%}, or the second below 0; otherwise inconclusive.",
    shown=(collapse,),
)


def verdict(relative: float, linear: Interval, relu: Interval) -> tuple[Verdict, str]:
    """Apply the criterion to the outputs' relative difference and the two differences in test accuracy."""
    told = (
        f"The product of the matrices gives the network's outputs up to {relative:.1g} of their size. The "
        f"five linear layers' test accuracy minus logistic regression's is {points(linear, 2)} percentage "
        f"points; ReLU adds {points(relu, 2)}."
    )
    if relative > TOLERANCE or linear.low > MARGIN or linear.high < -MARGIN or relu.below_zero:
        return Verdict.REFUTED, told
    if linear.low >= -MARGIN and linear.high <= MARGIN and relu.above_zero:
        return Verdict.CONFIRMED, told
    return Verdict.INCONCLUSIVE, told + " An interval crosses its limit: more seeds are needed."


def measure(setting: Setting) -> Evidence:
    """Fold a trained linear network, and compare what three networks learn."""
    epochs = 8 if setting.quick else 15
    seeds = setting.seeds(10, quick=5)
    curves = {name: [] for name in NETS}
    for seed in seeds:
        split = splits.digits(seed)
        for name in NETS:
            net, curve = trained(name, split, epochs, seed)
            curves[name].append(curve.test_accuracy)
            if name == "5 linear layers" and seed == setting.seed:
                relative = relative_difference(net, split.train_images[:INPUTS])
    final = {name: [curve[-1] for curve in curves[name]] for name in NETS}
    linear = difference(final["5 linear layers"], final["logistic regression"])
    relu = difference(final["5 layers with ReLU"], final["5 linear layers"])
    decided, reason = verdict(relative, linear, relu)
    return Evidence(
        verdict=decided,
        deciding=f"One matrix gives the same outputs as the five layers (to {relative:.0e} of their size); ReLU "
        f"between them changes accuracy by {100 * relu.mean:+.1f} points.",
        reason=reason,
        numbers={
            "relative_difference": relative,
            "test_accuracy": final,
            "linear_minus_logistic": linear,
            "relu_minus_linear": relu,
        },
        tables=[
            Table(
                f"Test accuracy after {epochs} epochs",
                ("network", "parameters", "mean", "95% interval"),
                [_row(name, final[name]) for name in NETS],
            )
        ],
        figures=[_figure(curves, linear, relu)],
        sample=splits.sample(seeds, epochs),
    )


def trained(name: str, split: splits.Split, epochs: int, seed: int) -> tuple[mx.gluon.HybridBlock, Curve]:
    """Train one of NETS; returns it with its curve."""
    activation = "relu" if name == "5 layers with ReLU" else None
    net = small_networks.perceptron(*(() if name == "logistic regression" else WIDTHS), activation=activation)
    start = mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2 if activation else 1)
    curve = train(
        net, split, epochs=epochs, seed=seed, rate=lambda done: 0.05 * (1 - done), initializer=start
    )
    return net, curve


def relative_difference(net: mx.gluon.HybridBlock, images: np.ndarray) -> float:
    """Compare the folded matrix's outputs with the network's: the worst image's ‖difference‖ / ‖output‖."""
    net.cast("float64")
    inputs = images.reshape(len(images), -1).astype(np.float64)
    deep = net(mx.nd.array(inputs, dtype="float64")).asnumpy()
    weight, bias = collapse((layer.weight.data().asnumpy(), layer.bias.data().asnumpy()) for layer in net)
    flat = inputs @ weight.T + bias
    return float((np.linalg.norm(flat - deep, axis=1) / np.linalg.norm(deep, axis=1)).max())


def _row(name: str, accuracies: list[float]) -> tuple:
    sizes = (64, 10) if name == "logistic regression" else (64, *WIDTHS, 10)
    parameters = sum((before + 1) * after for before, after in pairwise(sizes))
    i = interval(accuracies)
    return name, parameters, i.mean, f"{i.low:.4f} to {i.high:.4f}"


def _figure(curves: dict[str, list[list[float]]], linear: Interval, relu: Interval) -> Figure:
    drawing, (above, below) = figures.new(2, height=2.8)
    for index, name in enumerate(NETS):
        epochs = np.arange(1, len(curves[name][0]) + 1)
        figures.band(above, epochs, curves[name], index, name)
    above.set(ylabel="test accuracy", ylim=(0.85, 1))
    figures.epochs(above)
    figures.legend_above(above, columns=2)
    margin = [-100 * MARGIN, 100 * MARGIN]
    below.fill_between(margin, 0.6, 1.4, color=figures.INK, alpha=0.25, lw=0, label="margin of equality")
    below.axvline(0, color=figures.INK, lw=1)
    for height, index, i in ((1, 1, linear), (0, 2, relu)):
        error = [[100 * (i.mean - i.low)], [100 * (i.high - i.mean)]]
        below.errorbar(100 * i.mean, height, xerr=error, fmt="o", color=figures.COLOURS[index], capsize=4)
    below.set(xlabel="difference in test accuracy (percentage points)", ylim=(-0.6, 2))
    below.set_yticks((1, 0), ("5 linear\n− logistic", "ReLU\n− linear"))
    figures.legend(below, loc="upper right")
    caption = (
        "Top: test accuracy by epoch, mean of the seeds with its 95% interval. Bottom: the differences after "
        "the last epoch with their 95% intervals. The first is to lie within the margin, the second above 0."
    )
    return Figure.of(drawing, caption)
