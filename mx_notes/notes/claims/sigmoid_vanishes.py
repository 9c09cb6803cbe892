"""Test how much gradient arrives at the first of many layers, by activation and by start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...runtime import mx
from ...training import seed_everything
from ..claim import Claim, Evidence, Figure, Setting, Table, Verdict
from ..lab import figures, small_networks, small_training, splits
from ..lab.intervals import Interval, difference, interval
from ..lab.small_training import Curve

WIDTH = 64
DEPTH, TRAINED_DEPTH = 30, 20  # weight layers, the output's included
IMAGES = 100
VANISHED = 1e-6  # of the first layer's gradient in a ReLU network that starts as He et al. say
AGREEMENT = 0.1  # so near must a layer's factor be to its prediction
RATES = (0.003, 0.01, 0.1, 1.0)
QUICK_RATE = 0.01  # for every network of a quick run, which has no time to choose


@dataclass(frozen=True)
class Start:
    """An activation, and how the weights before it start."""

    activation: str
    kind: str  # "he": normal of variance 2/n for n inputs; "normal": of standard deviation 0.01; "gluon"

    def initializer(self) -> mx.init.Initializer:
        """Choose what draws the weights; Gluon's own default draws from -0.07 to 0.07."""
        if self.kind == "he":
            return mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2)
        return mx.init.Normal(0.01) if self.kind == "normal" else mx.init.Uniform(0.07)

    def gain(self, inputs: int) -> float:
        """Multiply the number of inputs by the variance of a weight."""
        return {"he": 2.0, "normal": inputs * 0.01**2, "gluon": inputs * 0.07**2 / 3}[self.kind]


STARTS = {
    "sigmoid, He": Start("sigmoid", "he"),
    "tanh, He": Start("tanh", "he"),
    "ReLU, He": Start("relu", "he"),
    "ReLU, normal 0.01": Start("relu", "normal"),
    "ReLU, Gluon's default": Start("relu", "gluon"),
}
POOR = ("ReLU, normal 0.01", "ReLU, Gluon's default")


def gradient_norms(
    net: mx.gluon.nn.HybridSequential, activation: str, images: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Measure, layer by layer, the norm of an image's gradient by the weights, and by the sums w x + b.

    Returns root mean squares over the images, (layers,) each. By the chain rule an image's gradient by the
    weights is delta times the layer's input x, transposed, where delta is its gradient by the sums; so its
    norm is the product of the norms of delta and x. Zeros added to the sums have the sums' own gradient.
    """
    signal, inputs = mx.nd.array(images, dtype="float64").flatten(), []
    zeros = [mx.nd.zeros((len(images), layer.weight.shape[0]), dtype="float64") for layer in net]
    for zero in zeros:
        zero.attach_grad()
    with mx.autograd.record():
        for layer, zero in zip(net, zeros, strict=True):
            inputs.append(signal)
            sums = layer(signal) + zero
            signal = mx.nd.Activation(sums, act_type=activation)
        log_p = sums.log_softmax()
        loss = -log_p.pick(mx.nd.array(labels, dtype="float64")).sum()
    loss.backward()
    delta = np.stack([(zero.grad.asnumpy() ** 2).sum(1) for zero in zeros])
    size = np.stack([(x.asnumpy() ** 2).sum(1) for x in inputs])
    return np.sqrt((delta * size).mean(1)), np.sqrt(delta.mean(1))


def predict(start: Start, images: np.ndarray, last: float, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Predict `gradient_norms`, on average over wide networks, from the images and the last layer's delta.

    If a layer's sums are normal, of variance q, the next layer's have the variance n Var[w] E[f(sqrt(q) z)^2]
    with z standard normal, and the squared gradient gets the factor n Var[w] E[f'(sqrt(q) z)^2] on its way
    back. For ReLU the factor is n Var[w] / 2: He et al. 2015 (arXiv 1502.01852), eq. 14. For any f: Schoenholz
    et al. 2017 (arXiv 1611.01232).
    """
    f, slope = FUNCTIONS[start.activation]
    z, weights = np.polynomial.hermite_e.hermegauss(80)
    weights /= weights.sum()  # now expectations over a standard normal
    pixels = images.reshape(len(images), -1).astype(float)
    size, back = [(pixels**2).sum(1)], []
    gain, width = start.gain(pixels.shape[1]), pixels.shape[1]
    for _ in range(depth - 1):
        sums = np.sqrt(gain * size[-1] / width)[:, None] * z
        gain, width = start.gain(WIDTH), WIDTH
        size.append(width * f(sums) ** 2 @ weights)
        back.append(gain * slope(sums) ** 2 @ weights)
    delta = [np.full(len(images), last**2)]
    for factor in reversed(back):
        delta.insert(0, factor * delta[0])
    return np.sqrt(np.mean(np.multiply(delta, size), axis=1)), np.sqrt(np.mean(delta, axis=1))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Compute 1 / (1 + exp(-x)) by tanh, which does not overflow."""
    return (1 + np.tanh(x / 2)) / 2


# An activation and its derivative.
FUNCTIONS = {
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x))),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(float)),
}

CLAIM = Claim(
    id="vanishing-gradient",
    heading="neural-network",
    order=2,
    quote="为防止使用sigmoid激活函数可能导致的梯度消失问题，激活函数一般取relu函数",
    question="The first layers of a deep sigmoid network get hardly any gradient. Is ReLU the cure?",
    answers={
        Verdict.CONFIRMED: "Yes: with ReLU the gradient arrives, wherever the weights start.",
        Verdict.CORRECTED: "Only with the right start: from small weights ReLU's gradient vanishes, too.",
        Verdict.REFUTED: "No: sigmoid's gradient arrives as well as ReLU's.",
    },
    statement="With sigmoid as activation a deep network's gradients may vanish, so one usually takes ReLU.",
    method=f"Fully connected networks {WIDTH} wide and 2 to {DEPTH} layers deep, at their start: the norm of the "
    f"gradient of one digit's loss by each layer's weights, with sigmoid ($\\sigma' \\leq 1/4$), tanh and ReLU, all "
    "from He's start (normal, variance $2/n$ for $n$ inputs), and ReLU also from two smaller ones. Against theory: "
    "one layer further back, the squared gradient by the layer's sums has the factor $n \\, \\mathrm{Var}[w] \\, E[f'^2]$. "
    f"Then training {TRAINED_DEPTH} layers, each with the best of four learning rates, which another seed chose.",
    criterion=f"Vanished means: in the first of {DEPTH} layers, below {VANISHED:g} of ReLU's gradient with He's "
    "start. Refuted if sigmoid's has not vanished, or if the 95% interval of (ReLU − sigmoid, both from He's start) "
    f"in test accuracy at {TRAINED_DEPTH} layers lies below 0; inconclusive if it includes 0, or if a factor differs "
    f"from theory by more than {AGREEMENT:.0%}; corrected if ReLU's vanishes too from another start; else confirmed.",
    shown=(gradient_norms,),
)


def verdict(
    first: dict[str, float], disagreement: float, relu_minus_sigmoid: Interval
) -> tuple[Verdict, str]:
    """Apply the criterion; `first`: each start's gradient in the first layer, relative to ReLU's with He's start."""
    told = (
        f"In the first of {DEPTH} layers sigmoid's gradient is {first['sigmoid, He']:.1g} of ReLU's, both from "
        f"He's start. At {TRAINED_DEPTH} layers ReLU's test accuracy is higher by {relu_minus_sigmoid} (interval "
        f"of 95%). From theory a layer's factor differs by at most {disagreement:.1%}."
    )
    if first["sigmoid, He"] >= VANISHED or relu_minus_sigmoid.below_zero:
        return Verdict.REFUTED, told
    if not relu_minus_sigmoid.above_zero or disagreement > AGREEMENT:
        return Verdict.INCONCLUSIVE, told
    vanished = [f"{name}: {first[name]:.1g}" for name in POOR if first[name] < VANISHED]
    if vanished:
        return (
            Verdict.CORRECTED,
            f"{told} But ReLU's vanishes as well from smaller weights ({'; '.join(vanished)}).",
        )
    return Verdict.CONFIRMED, told


def measure(setting: Setting) -> Evidence:
    """Compare norms by layer and depth with theory, then train."""
    seeds = setting.seeds(5, quick=3)
    depths = (2, 10, DEPTH) if setting.quick else (2, 5, 10, 20, DEPTH)
    found = {name: at_start(start, depths, seeds) for name, start in STARTS.items()}
    epochs = 4 if setting.quick else 12
    curves, rates = training_curves(setting, epochs)
    accuracy = {name: [curve.test_accuracy[-1] for curve in curves[name]] for name in STARTS}
    better = difference(accuracy["ReLU, He"], accuracy["sigmoid, He"])
    reference = found["ReLU, He"][DEPTH].first
    first = {name: found[name][DEPTH].first / reference for name in STARTS}
    factors = {name: found[name][DEPTH].factors() for name in STARTS}
    disagreement = max(abs(measured.mean / theory - 1) for theory, measured in factors.values())
    decided, reason = verdict(first, disagreement, better)
    rows = [
        (name, theory, measured.mean, f"{first[name]:.1g}", rates[name], interval(accuracy[name]).mean)
        for name, (theory, measured) in factors.items()
    ]
    return Evidence(
        verdict=decided,
        deciding=f"In the first of {DEPTH} layers sigmoid's gradient is {first['sigmoid, He']:.0e} times ReLU's; from small "
        f"weights (0.01) ReLU's own is {first[POOR[0]]:.0e} times that.",
        reason=reason,
        correction=correction(factors, accuracy) if decided is Verdict.CORRECTED else "",
        numbers={
            "first_layer_gradient_relative": first,
            "factor_per_layer": {name: {"theory": t, "measured": m} for name, (t, m) in factors.items()},
            "gradient_norm_by_layer": {
                name: {depth: norms.typical for depth, norms in by_depth.items()}
                for name, by_depth in found.items()
            },
            "learning_rate": rates,
            "test_accuracy": accuracy,
            "relu_minus_sigmoid": better,
        },
        tables=[
            Table(
                f"Factor of a layer on the gradient going back ({DEPTH} layers), gradient in the first layer relative "
                f"to ReLU with He's start, and test accuracy after {epochs} epochs of {TRAINED_DEPTH} layers",
                ("activation, start", "theory", "measured", "first layer", "rate", "accuracy"),
                rows,
            )
        ],
        figures=[_norms_figure(found, depths), _curves_figure(curves)],
        sample=f"digits, {len(seeds)} seeds; gradients of {IMAGES} images; training {epochs} epochs"
        + f", all at learning rate {QUICK_RATE}" * setting.quick,
    )


@dataclass
class Norms:
    """The norms at one depth, (seeds, layers) each: measured by `gradient_norms`, and predicted."""

    weights: np.ndarray
    sums: np.ndarray
    predicted_weights: np.ndarray
    predicted_sums: np.ndarray

    @property
    def typical(self) -> np.ndarray:
        """The gradient by each layer's weights, geometric mean over the seeds: (layers,)."""
        return np.exp(np.log(self.weights).mean(0))

    @property
    def first(self) -> float:
        """The typical gradient by the first layer's weights."""
        return float(self.typical[0])

    def factors(self) -> tuple[float, Interval]:
        """The mean factor of a layer on the gradient by the sums on its way back: (theory, measured)."""
        layers = self.sums.shape[1] - 1
        measured = (self.sums[:, 0] / self.sums[:, -1]) ** (1 / layers)
        theory = (self.predicted_sums[:, 0] / self.predicted_sums[:, -1]) ** (1 / layers)
        return float(theory.mean()), interval(measured)


def at_start(start: Start, depths: tuple[int, ...], seeds: range) -> dict[int, Norms]:
    """Measure and predict the norms of untrained networks, by depth."""
    found = {}
    for depth in depths:
        rows = []
        for seed in seeds:
            split = splits.digits(seed)
            images, labels = split.train_images[:IMAGES], split.train_labels[:IMAGES]
            seed_everything(seed)
            net = small_networks.perceptron(*[WIDTH] * (depth - 1), activation=None)
            net.initialize(start.initializer())
            net.cast("float64")
            weights, sums = gradient_norms(net, start.activation, images, labels)
            rows.append((weights, sums, *predict(start, images, sums[-1], depth)))
        found[depth] = Norms(*map(np.stack, zip(*rows, strict=True)))
    return found


def training_curves(setting: Setting, epochs: int) -> tuple[dict[str, list[Curve]], dict[str, float]]:
    """Train from each start on each seed, at the rate with the least training loss on another seed."""
    curves, rates = {}, {}
    for name, start in STARTS.items():
        rates[name] = QUICK_RATE if setting.quick else best_rate(start, epochs, setting.seed + 1000)
        curves[name] = [train(start, rates[name], epochs, seed) for seed in setting.seeds(5, quick=3)]
    return curves, rates


def best_rate(start: Start, epochs: int, seed: int) -> float:
    """Find the rate of RATES with the least training loss; NaN counts as the worst."""
    losses = [train(start, rate, epochs, seed).train_loss[-1] for rate in RATES]
    return RATES[int(np.argmin(np.nan_to_num(losses, nan=np.inf)))]


def train(start: Start, rate: float, epochs: int, seed: int) -> Curve:
    """Train TRAINED_DEPTH layers on digits."""
    net = small_networks.perceptron(*[WIDTH] * (TRAINED_DEPTH - 1), activation=start.activation)
    return small_training.train(
        net, splits.digits(seed), epochs=epochs, seed=seed, rate=rate, initializer=start.initializer()
    )


def correction(factors: dict[str, tuple[float, Interval]], accuracy: dict[str, list[float]]) -> str:
    """Put the statement right, with the measured numbers."""
    f = {name: measured.mean for name, (_, measured) in factors.items()}
    return (
        "What makes gradients vanish is the factor of each layer, $\\sqrt{n \\, \\mathrm{Var}[w] \\, E[f'^2]}$: activation and "
        f"start together. From He's start it is {f['sigmoid, He']:.2f} for sigmoid, {f['tanh, He']:.2f} for tanh and "
        f"{f['ReLU, He']:.2f} for ReLU, which is what that start is made for; with weights of 0.01 ReLU has "
        f"{f[POOR[0]]:.3f}, with Gluon's default {f[POOR[1]]:.2f}, and its gradients vanish in every layer. So: ReLU "
        "with the start that belongs to it. And not ReLU alone: with that start and "
        f"{TRAINED_DEPTH} layers tanh reaches {np.mean(accuracy['tanh, He']):.3f} of accuracy, ReLU "
        f"{np.mean(accuracy['ReLU, He']):.3f}."
    )


def _norms_figure(found: dict[str, dict[int, Norms]], depths: tuple[int, ...]) -> Figure:
    drawing, (above, below) = figures.new(2, height=3.4)
    for index, (name, by_depth) in enumerate(found.items()):
        colour, marker = figures.COLOURS[index], figures.MARKERS[index]
        norms = by_depth[DEPTH]
        layers = np.arange(1, DEPTH + 1)
        theory = np.exp(np.log(norms.predicted_weights).mean(0))
        above.plot(layers, norms.typical, marker, color=colour, ms=4, label=name)
        above.plot(layers, theory, color=colour, lw=1)
        first = np.transpose([by_depth[d].weights[:, 0] for d in depths])
        figures.band(below, depths, first, index, geometric=True)
    above.set(
        xlabel="layer (1: the first)",
        ylabel="gradient norm (nats)",
        yscale="log",
    )
    figures.legend_above(above, columns=2)
    below.set(xlabel="depth (layers)", ylabel="… in the first layer (nats)", yscale="log")
    caption = (
        f"Top: norm of the gradient of one image's loss by each layer's weights, in untrained networks of {DEPTH} "
        "layers: marks measured (geometric mean of the seeds), lines theory. Bottom: the same in the first layer, by "
        "depth, with 95% intervals. A line rising to the right has lost gradient on its way back; a low and flat one "
        "has little in any layer."
    )
    return Figure.of(drawing, caption)


def _curves_figure(curves: dict[str, list[Curve]]) -> Figure:
    drawing, (above, below) = figures.new(2, height=2.9)
    for index, (name, of_seeds) in enumerate(curves.items()):
        epochs = np.arange(1, len(of_seeds[0].train_loss) + 1)
        figures.band(above, epochs, [curve.train_loss for curve in of_seeds], index, name)
        figures.band(below, epochs, [curve.test_accuracy for curve in of_seeds], index, name)
    above.set(ylabel="training loss (nats)", ylim=(0, 2.6))
    below.set(ylabel="test accuracy", ylim=(0, 1))
    figures.epochs(above)
    figures.epochs(below)
    figures.legend_above(above, columns=2)
    caption = (
        f"Training networks of {TRAINED_DEPTH} layers, each at its learning rate: mean of the seeds with its "
        "95% interval. A loss of 2.3 and an accuracy of 0.1 are those of guessing: networks that don't learn lie on each other there."
    )
    return Figure.of(drawing, caption)
