"""Test what batch norm does to a batch, and when, and whether training is faster for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...runtime import mx
from ..claim import Claim, Evidence, Figure, Setting, Table, Verdict
from ..lab import figures, small_networks, small_training, splits
from ..lab.intervals import Interval
from ._batch_norm_averages import follow
from ._batch_norm_speed import DEPTH, SMOOTHED, TARGET, compare_speed
from ._batch_norm_stale_reads import count_stale_reads, stale_table

TOLERANCE = 1e-4  # float32 means of some thousand values of a size near 1
OFF = 0.01  # a mean of this size is not 0
GAMMA = 3.0  # given to a layer, to see whether its defaults keep it
BATCH = 64


def batch_norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, epsilon: float) -> np.ndarray:
    """Normalise each channel of x (N, C, H, W) over the batch, then scale and shift it: gamma, beta are (C,).

    As Ioffe and Szegedy 2015 (arXiv 1502.03167), algorithm 1: the variance is divided by the number of values.
    """
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    variance = x.var(axis=(0, 2, 3), keepdims=True)
    normalised = (x - mean) / np.sqrt(variance + epsilon)
    return gamma[:, None, None] * normalised + beta[:, None, None]


CLAIM = Claim(
    id="batch-norm",
    heading="batch-norm",
    order=1,
    quote="使得每一层的数据分布是稳定的--均值0方差1",
    question="Batch norm gives every channel mean 0 and variance 1. Also when the trained network is used?",
    answers={
        Verdict.CONFIRMED: "Yes, always.",
        Verdict.CORRECTED: "Only while it trains; in use, roughly.",
        Verdict.REFUTED: "Not even while it trains, or training is slower for it.",
    },
    statement="Batch norm normalises the inputs of each layer to mean 0 and variance 1, scales and shifts them by "
    "$\\gamma$ and $\\beta$, which are learned, and so makes training faster.",
    method="In a convolutional network trained on digits, mean and variance per channel before and after each batch "
    "norm, in training and in inference mode, are compared with the formula. "
    f"Then networks of {DEPTH} convolutions are trained with and without it at several learning rates: how many steps "
    f"until the loss (mean of {SMOOTHED} steps) is below {TARGET}. Each one's best rate is chosen on some seeds and "
    "compared on others. What a symbol's BatchNorm does to a $\\gamma$ of 3 by default; running averages against "
    "their recursion; and how many of them, read straight after a step, lack it.",
    criterion=f"Refuted if in training mode a channel's mean differs from 0, its variance $v$ from $v / (v + \\epsilon)$, "
    f"or the output from $\\gamma y + \\beta$ by more than {TOLERANCE:g}, or if the 95% interval of the steps saved lies "
    "below 0; inconclusive if it includes 0; corrected if in inference mode a channel's mean is off by more than 0.01, "
    "or BatchNorm's default changes a given $\\gamma$; else confirmed.",
    shown=(batch_norm,),
)


@dataclass(frozen=True)
class Layer:
    """A batch norm layer's moments: arrays (channels, 2), the mean and the variance of each channel."""

    before: np.ndarray
    normalised: np.ndarray  # in training mode, by the batch's own moments
    after: np.ndarray  # scaled and shifted
    in_inference: np.ndarray  # test images, normalised by the running averages
    error: float  # largest difference between MXNet's output and the formula's
    epsilon: float

    def errors(self) -> dict[str, float]:
        """The largest deviations from the formula, in training mode."""
        variance = self.before[:, 1]
        return {
            "mean": float(np.abs(self.normalised[:, 0]).max()),
            "variance": float(np.abs(self.normalised[:, 1] - variance / (variance + self.epsilon)).max()),
            "output": self.error,
        }


def verdict(
    errors: dict[str, float], saved: Interval, inference_mean: float, gamma_kept: bool
) -> tuple[Verdict, str]:
    """Apply the criterion; `saved`: steps to the target loss without batch norm minus steps with it."""
    told = (
        f"In training mode a channel's mean differs from 0 by at most {errors['mean']:.0e}, its variance from "
        f"$v / (v + \\epsilon)$ by {errors['variance']:.0e}; in inference mode means are off by up to "
        f"{inference_mean:.2f}. With each at its best learning rate, batch norm saves {saved} steps (interval of 95%)."
    )
    if max(errors.values()) > TOLERANCE or saved.below_zero:
        return Verdict.REFUTED, told
    if not saved.above_zero:
        return Verdict.INCONCLUSIVE, told
    if inference_mean > OFF or not gamma_kept:
        return Verdict.CORRECTED, told
    return Verdict.CONFIRMED, told


def measure(setting: Setting) -> Evidence:
    """Look at a trained network's moments, the defaults, the speed, the running averages."""
    layers = trained_layers(setting.seed, epochs=2 if setting.quick else 10)
    errors = {key: max(layer.errors()[key] for layer in layers) for key in layers[0].errors()}
    inference_mean = max(float(np.abs(layer.in_inference[:, 0]).max()) for layer in layers)
    defaults = {"Gluon": gluon_default, "Symbol": symbol_default}
    defaults = {api: default(pixels(setting.seed)) for api, default in defaults.items()}
    speed = compare_speed(setting)
    followed = follow(setting.seed, steps=60)
    stale = count_stale_reads(setting.seed, 4 if setting.quick else 15)
    gamma_kept = all(found["gamma after"] == GAMMA for found in defaults.values())
    decided, reason = verdict(errors, speed.saved, inference_mean, gamma_kept)
    return Evidence(
        verdict=decided,
        deciding=f"It saves {speed.saved.mean:.0f} [{speed.saved.low:.0f}, {speed.saved.high:.0f}] of "
        f"{np.mean(speed.fresh[0]):.0f} steps; in use a channel's mean is off 0 by up to {inference_mean:.2f}.",
        reason=reason,
        correction=correction(inference_mean, defaults, stale) if decided is Verdict.CORRECTED else "",
        numbers={
            "largest_error": errors,
            "largest_mean_in_inference_mode": inference_mean,
            "defaults": defaults,
            **speed.numbers(),
            "running_average_relative_error": followed.errors(),
            "stale_reads": {way: {"stale": n, "of": total} for way, (n, total) in stale.items()},
        },
        tables=[_channels_table(layers[0]), speed.table(), _defaults_table(defaults), stale_table(stale)],
        figures=[_moments_figure(layers[0]), speed.figure(), followed.figure()],
        sample=f"digits; speed: {len(speed.fresh[0])} seeds of {speed.epochs} epochs, after {len(speed.steps[0])} "
        "others had chosen the rates",
    )


def trained_layers(seed: int, epochs: int) -> list[Layer]:
    """Train a network and look at each of its batch norm layers with a batch of training and of test images."""
    split = splits.digits(seed)
    net = small_networks.convolutional(batch_norm=True)
    small_training.train(net, split, epochs=epochs, seed=seed)
    mx.nd.waitall()
    signal, tested = mx.nd.array(split.train_images[:BATCH]), mx.nd.array(split.test_images[:BATCH])
    found = []
    for part in net:
        with mx.autograd.train_mode():
            following = part(signal)
        if isinstance(part, mx.gluon.nn.BatchNorm):
            found.append(look_at(part, signal.asnumpy(), following.asnumpy(), part(tested).asnumpy()))
        signal, tested = following, part(tested)
    return found


def look_at(layer: mx.gluon.nn.BatchNorm, before: np.ndarray, after: np.ndarray, tested: np.ndarray) -> Layer:
    """Compare the layer's output for a batch with the formula; `tested`: its output for test images, in inference mode."""
    gamma, beta = layer.gamma.data().asnumpy(), layer.beta.data().asnumpy()
    epsilon = layer._kwargs["eps"]
    expected = batch_norm(before.astype(float), gamma, beta, epsilon)
    normalised = (after - beta[:, None, None]) / gamma[:, None, None]
    in_inference = (tested - beta[:, None, None]) / gamma[:, None, None]
    return Layer(
        *map(channel_moments, (before, normalised, after, in_inference)),
        error=float(np.abs(after - expected).max()),
        epsilon=epsilon,
    )


def channel_moments(x: np.ndarray) -> np.ndarray:
    """Take mean and variance (divided by the number) of each channel of (N, C, H, W): (C, 2)."""
    x = x.astype(float)
    return np.stack([x.mean((0, 2, 3)), x.var((0, 2, 3))], axis=1)


def pixels(seed: int) -> np.ndarray:
    """Shape digits as (BATCH, 64, 1, 1), a pixel a channel: some pixels vary little, some not at all."""
    return splits.digits(seed).train_images[:BATCH].reshape(BATCH, 64, 1, 1)


def gluon_default(x: np.ndarray) -> dict[str, float]:
    """Run Gluon's BatchNorm with a γ of 3 on a batch, in training mode."""
    layer = mx.gluon.nn.BatchNorm(in_channels=x.shape[1])
    layer.initialize()
    layer.gamma.set_data(mx.nd.full(x.shape[1], GAMMA))
    with mx.autograd.record():
        y = layer(mx.nd.array(x))
    y.backward(mx.nd.array(x))
    return describe(x, y, layer.gamma.data(), layer.gamma.grad())


def symbol_default(x: np.ndarray) -> dict[str, float]:
    """Run a Symbol's BatchNorm with a γ of 3 on a batch, in training mode."""
    symbol = mx.sym.BatchNorm(mx.sym.var("data"), name="bn")
    executor = symbol.simple_bind(mx.cpu(), data=x.shape)
    executor.arg_dict["bn_gamma"][:] = GAMMA
    y = executor.forward(is_train=True, data=x)[0]
    executor.backward(mx.nd.array(x))
    return describe(x, y, executor.arg_dict["bn_gamma"], executor.grad_dict["bn_gamma"])


def describe(
    x: np.ndarray, y: mx.nd.NDArray, gamma: mx.nd.NDArray, gradient: mx.nd.NDArray
) -> dict[str, float]:
    """Sum up a batch norm of x to y: γ and its gradient afterwards, and the ε that the variances betray."""
    mx.nd.waitall()
    gamma, gradient = gamma.asnumpy(), gradient.asnumpy()
    before, after = channel_moments(x)[:, 1], channel_moments(y.asnumpy())[:, 1]
    normalised = after / gamma**2
    least = np.where(before > 1e-6, before, np.inf).argmin()  # epsilon weighs most in the smallest variance
    return {
        "gamma given": GAMMA,
        "gamma after": float(gamma.mean()),
        "gradient of gamma, norm": float(np.linalg.norm(gradient)),
        "epsilon": float(before[least] * (1 / normalised[least] - 1)),
        "pixels of variance 0, before and after": int(((before < 1e-6) & (after < 1e-6)).sum()),
        "others with a variance below 0.99 after, γ aside": int(
            ((normalised < 0.99) & (before > 1e-6)).sum()
        ),
    }


def correction(inference_mean: float, defaults: dict[str, dict], stale: dict[str, tuple[int, int]]) -> str:
    """Put the statement right, with the measured numbers."""
    (gluon, gluons), (module, modules) = stale["Gluon, hybridised"], stale["Module.get_params"]
    return (
        "Mean 0 and variance $v / (v + \\epsilon)$, near 1 unless $v$ is small, hold in training mode, for each channel "
        "of the batch. In inference mode the running averages take the place of the batch's: of 64 test images, "
        f"channels then have means up to {inference_mean:.2f}. And $\\gamma$ is learned only if asked for: a Symbol's "
        f"BatchNorm has fix_gamma=True and turned a $\\gamma$ of {GAMMA:g} into {defaults['Symbol']['gamma after']:g}; "
        f"Gluon's kept {defaults['Gluon']['gamma after']:g}. Read straight after a step, {gluon} of {gluons} running "
        f"averages (Gluon) and {module} of {modules} (Module.get_params) lacked it: call mx.nd.waitall() first."
    )


def _channels_table(layer: Layer) -> Table:
    rows = zip(layer.before, layer.normalised, layer.in_inference, strict=True)
    return Table(
        f"The first batch norm layer on {BATCH} images, its first channels: before, after normalising, and after "
        "normalising in inference mode",
        ("channel", "mean", "variance", "mean after", "variance after", "mean, inference"),
        [
            (i + 1, float(b[0]), float(b[1]), f"{n[0]:.0e}", f"{n[1]:.6f}", float(t[0]))
            for i, (b, n, t) in enumerate(rows)
        ][:6],
    )


def _defaults_table(defaults: dict[str, dict]) -> Table:
    return Table(
        f"Defaults of Gluon's BatchNorm and a Symbol's, on {BATCH} digits with each of the 64 pixels a channel",
        ("", *defaults),
        [(what, *(found[what] for found in defaults.values())) for what in defaults["Gluon"]],
    )


def _moments_figure(layer: Layer) -> Figure:
    drawing, axes = figures.new(2, height=2.5)
    channels = np.arange(1, len(layer.before) + 1)
    panels = (
        (("before", layer.before), ("after γ and β", layer.after)),
        (("training mode", layer.normalised), ("inference mode", layer.in_inference)),
    )
    for axis, lines in zip(axes, panels, strict=True):
        for index, (name, of_channels) in enumerate(lines):
            axis.errorbar(
                channels + 0.3 * index,
                of_channels[:, 0],
                np.sqrt(of_channels[:, 1]),
                fmt=figures.MARKERS[index],
                ms=4,
                color=figures.COLOURS[index],
                label=name,
            )
        axis.set(xlabel="channel", ylabel="mean ± std. deviation")
        figures.legend_above(axis, columns=2)
    caption = (
        f"The channels of a trained network's first batch norm layer, {BATCH} images: mean, with the standard "
        "deviation as a bar. Top: what goes in and what comes out. Bottom: between the two, by the batch's own "
        "moments (training) and by the running averages (inference, test images)."
    )
    return Figure.of(drawing, caption)
