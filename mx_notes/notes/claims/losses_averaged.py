"""Test which of a batch's losses backward uses: hold the applied gradient against each example's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ... import models
from ...runtime import mx
from ...training import seed_everything
from ..claim import Claim, Evidence, Figure, Judgement, Setting, Table, Verdict
from ..lab import figures, splits
from ..lab.small_training import cross_entropy

EXAMPLES = 32
ONE, TWO = (mx.cpu(0),), (mx.cpu(0), mx.cpu(1))
SAME = 1e-5  # relative, norms over all parameters: float32 sums over 20 layers, in another order
DERIVATIVE = 1e-4  # relative: a step of STEP crosses none, or one, of the network's kinks
STEP = 1e-9


def own_gradients(net: mx.gluon.HybridBlock, images: mx.nd.NDArray, labels: mx.nd.NDArray) -> np.ndarray:
    """Take each example's own gradient (examples, parameters) from one forward pass of the whole batch.

    Backward is linear in the gradient at its head. With 1 at one example's loss and 0 at the others it gives
    that example's contribution, its part in batch norm's mean and variance included.
    """
    weights = [parameter.data(images.context) for parameter in learned(net)]
    with mx.autograd.record():
        losses = cross_entropy(net(images), labels)
    heads = mx.nd.one_hot(mx.nd.arange(len(losses), ctx=images.context), len(losses))
    return np.stack([flat(mx.autograd.grad(losses, weights, [head], retain_graph=True)) for head in heads])


def off_the_derivative(seed: int) -> float:
    """Hold backward from the mean loss against the loss's difference quotient along a random direction.

    Returns their relative difference, in float64.
    """
    net, (images,), (labels,) = start(seed, ONE)
    net.cast("float64")
    weights, rng = learned(net), np.random.default_rng(seed)
    at = [parameter.data().asnumpy() for parameter in weights]
    direction = [rng.normal(size=values.shape) for values in at]

    def mean_loss(step: float) -> mx.nd.NDArray:
        for parameter, values, way in zip(weights, at, direction, strict=True):
            parameter.set_data(mx.nd.array(values + step * way, dtype="float64"))
        with mx.autograd.record():
            return cross_entropy(net(images.astype("float64")), labels).mean()

    mean_loss(0).backward()
    slope = sum(float((p.grad().asnumpy() * way).sum()) for p, way in zip(weights, direction, strict=True))
    quotient = (mean_loss(STEP) - mean_loss(-STEP)).asscalar() / (2 * STEP)
    return abs(slope / quotient - 1)


def by_gluon(seed: int, devices: Sequence, average: bool, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Step with Gluon at rate 1; returns the gradient buffers, and how far the weights went down."""
    net, images, labels = start(seed, devices)
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 1.0})
    with mx.autograd.record():
        losses = [cross_entropy(net(x), y) for x, y in zip(images, labels, strict=True)]
        losses = [loss.mean() for loss in losses] if average else losses
    mx.autograd.backward(losses)
    buffers = sum(flat([p.list_grad()[device] for p in learned(net)]) for device in range(len(devices)))
    before = flat([p.data(devices[0]) for p in learned(net)])
    trainer.step(batch_size)  # divides the gradient by batch_size
    return buffers, before - flat([p.data(devices[0]) for p in learned(net)])


def by_module(
    seed: int, devices: Sequence, head: Callable, settings: dict[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Step with a Module at rate 1, as `by_gluon` does; without `rescale_grad` it divides by the batch's size."""
    net, images, labels = start(seed, ONE)
    parameters = {p.name: p.data() for p in net.collect_params().values()}
    module = mx.mod.Module(head(net), context=list(devices))
    module.bind([("data", images[0].shape)], [("softmax_label", labels[0].shape)])
    module.set_params(
        *({k: parameters[k] for k in names} for names in (module._param_names, module._aux_names))
    )
    module.init_optimizer(optimizer_params={"learning_rate": 1.0} | settings)
    module.forward_backward(mx.io.DataBatch(images, labels))
    arrays = dict(zip(module._exec_group.param_names, module._exec_group.grad_arrays, strict=True))
    names = [p.name for p in learned(net)]
    buffers = sum(flat([arrays[name][device] for name in names]) for device in range(len(devices)))
    module.update()
    after, _ = module.get_params()
    return buffers, flat([parameters[name] - after[name] for name in names])


def softmax_output(net: mx.gluon.HybridBlock) -> mx.sym.Symbol:
    """Head a network as in the note's time: at the scores it puts the gradient of the losses' sum."""
    return mx.sym.SoftmaxOutput(models.logits_symbol(net), name="softmax")


SUMS = {"average": False, "batch_size": EXAMPLES}
MEAN = {"head": models.mean_cross_entropy, "settings": {"rescale_grad": 1.0}}
OLD = {"head": softmax_output, "settings": {}}
WAYS = {
    "Module, mean in the graph": partial(by_module, devices=ONE, **MEAN),
    "Module, SoftmaxOutput": partial(by_module, devices=ONE, **OLD),
    "Gluon, mean of the losses, step(1)": partial(by_gluon, devices=ONE, average=True, batch_size=1),
    f"Gluon, the losses, step({EXAMPLES})": partial(by_gluon, devices=ONE, **SUMS),
    "Module, SoftmaxOutput, 2 devices": partial(by_module, devices=TWO, **OLD),
    f"Gluon, the losses, step({EXAMPLES}), 2 devices": partial(by_gluon, devices=TWO, **SUMS),
}
# Ways that are wrong on purpose, with the multiple of the mean that each applies.
WRONG = {
    "the sum: the losses, step(1)": (partial(by_gluon, devices=ONE, average=False, batch_size=1), EXAMPLES),
    f"divided twice: the mean, step({EXAMPLES})": (
        partial(by_gluon, devices=ONE, average=True, batch_size=EXAMPLES),
        1 / EXAMPLES,
    ),
    "2 devices, each with its own mean, added": (partial(by_module, devices=TWO, **MEAN), len(TWO)),
}

CLAIM = Claim(
    id="mean-loss",
    heading="loss",
    order=1,
    quote="答案是会将batch_size个loss平均之后做backward",
    question="A batch of 32 images has 32 losses. From what does backward start?",
    answers={
        Verdict.CONFIRMED: "From their mean, always.",
        Verdict.CORRECTED: "From their mean or their sum: then the optimiser divides.",
        Verdict.REFUTED: "From one of them.",
    },
    rules=("mean-loss", "loss-derivative"),
    commands=("mx-notes audit tests/programs/bugs/gluon_step_of_one_sums_the_batch.py",),
    statement=(
        "A forward pass gives one loss for each example of the batch. With mini-batch SGD backward uses neither one "
        "of them nor their sum: they are averaged, and backward runs on the mean."
    ),
    method=(
        f"A batch of {EXAMPLES} digits goes through a ResNet-20; {EXAMPLES} backward passes with a one-hot gradient "
        "at the losses give each example's own gradient. Their mean is held against what each way of training has "
        "in its gradient buffers after backward, and against what it applies (the change of the weights at learning "
        "rate 1). On two devices batch norm works on each half by itself, so there the examples' gradients are taken "
        "from halves too. That backward gives the mean's derivative at all is held against the difference of the "
        "mean loss at two points near by, in float64."
    ),
    criterion=(
        f"Confirmed if, on each way and seed, the applied gradient and the buffers are the mean within {SAME:g} "
        f"(relative). Corrected if what is applied is, but some buffers hold {EXAMPLES} times the mean. Refuted if "
        "something else is applied. Inconclusive if what is wrong on purpose is not seen as such, or backward from "
        f"the mean differs from the loss's own difference quotient by more than {DERIVATIVE:g}."
    ),
    shown=(own_gradients, by_gluon),
)


def verdict(numbers: dict) -> Judgement:
    """Apply the criterion to the measured numbers."""
    off = {way: max(found["distance"]) for way, found in numbers["ways"].items()}
    worst = max(off.values())
    sums = [way for way, found in numbers["ways"].items() if _all_near(found["buffers"], EXAMPLES)]
    deciding = (
        f"On {sum(each <= SAME for each in off.values())} of {len(off)} ways the weights move by the mean of the losses' gradients; on {len(sums)} of "
        "them backward gives the sum, and the optimiser divides."
    )
    if any(max(found["distance"]) > SAME for found in numbers["wrong"].values()):
        return Judgement(
            Verdict.INCONCLUSIVE, deciding, "A gradient that is wrong on purpose was not seen as such."
        )
    if max(numbers["off_the_derivative"]) > DERIVATIVE:
        return Judgement(
            Verdict.INCONCLUSIVE, deciding, "What backward gives is not the derivative of the mean loss."
        )
    reason = f"On {len(off)} ways what is applied differs from the mean of the {EXAMPLES} own gradients by at most {worst:.1e}"
    others = [way for way, each in off.items() if each > SAME]
    if others:
        return Judgement(Verdict.REFUTED, deciding, f"Not the mean is applied by: {', '.join(others)}.")
    means = [way for way, found in numbers["ways"].items() if _all_near(found["buffers"], 1)]
    if len(sums) + len(means) < len(off):
        return Judgement(
            Verdict.REFUTED, deciding, f"{reason}, but some buffers hold neither the mean nor the sum."
        )
    if not sums:
        return Judgement(Verdict.CONFIRMED, deciding, f"{reason}, and the buffers hold it too.")
    correction = (
        f"What is applied is the gradient of the mean, but not always is the loss averaged before backward. On "
        f"{len(sums)} of {len(off)} ways, the Module of the note's time among them, backward runs on the sum of the "
        f"losses ({EXAMPLES} times the mean stands in the buffers) and the optimiser divides by the batch's size "
        "(rescale_grad). By linearity it is the same, as long as exactly one of the two divides."
    )
    halves = (
        f" Backward from the mean is the mean's derivative: it differs from the difference quotient by at most "
        f"{max(numbers['off_the_derivative']):.1e} (float64). On two devices each half has its own batch norm, which makes the mean differ by up to "
        f"{numbers['batch_norm_in_halves']:.0%} from that of the whole batch."
    )
    return Judgement(Verdict.CORRECTED, deciding, f"{reason}.{halves}", correction)


def _all_near(values: Sequence[float], expected: float) -> bool:
    return all(abs(value / expected - 1) <= SAME for value in values)


def measure(setting: Setting) -> Evidence:
    """Make a step in every way from the same start, at each seed."""
    seeds = setting.seeds(5, quick=1)
    trials = [_trial(seed) for seed in seeds]
    of_losses = [
        subsets(trial["own"], np.random.default_rng([seed, 32]))
        for trial, seed in zip(trials, seeds, strict=True)
    ]
    numbers = {
        "ways": {way: _gather([trial["ways"][way] for trial in trials]) for way in WAYS},
        "wrong": {way: _gather([trial["wrong"][way] for trial in trials]) for way in WRONG},
        "one_loss_alone": [
            float(np.mean([factor(g / EXAMPLES, t["own"].mean(axis=0)) for g in t["own"]])) for t in trials
        ],
        "off_the_derivative": [off_the_derivative(seed) for seed in seeds],
        "batch_norm_in_halves": max(trial["halves"] for trial in trials),
        "distance_by_losses_used": {str(n): [of[n] for of in of_losses] for n in of_losses[0]},
    }
    return Evidence(
        **verdict(numbers)._asdict(),
        numbers=numbers,
        tables=[_ways_table(numbers), _wrong_table(numbers)],
        figures=[_figure(of_losses, [trial["own"] for trial in trials])],
        sample=f"digits, ResNet-20, batches of {EXAMPLES}, {len(seeds)} seed{'s' * (len(seeds) > 1)}",
    )


def start(seed: int, devices: Sequence) -> tuple[mx.gluon.HybridBlock, list, list]:
    """Start a ResNet-20, and cut a batch of digits and its labels up over the devices."""
    seed_everything(seed)
    split = splits.digits(seed).fewer(EXAMPLES)
    net = models.build("cifar_resnet20_v1", 10, split.train_images.shape[1:])
    net.initialize(models.initializer(), ctx=list(devices))
    net(mx.nd.array(split.train_images, ctx=devices[0]))  # tells the parameters their shapes
    images, labels = (
        mx.gluon.utils.split_and_load(each.astype(np.float32), list(devices))
        for each in (split.train_images, split.train_labels)
    )
    return net, images, labels


def learned(net: mx.gluon.HybridBlock) -> list[mx.gluon.Parameter]:
    """List the parameters with a gradient, in a fixed order."""
    return [parameter for parameter in net.collect_params().values() if parameter.grad_req != "null"]


def flat(arrays: Sequence[mx.nd.NDArray]) -> np.ndarray:
    """Chain all numbers of some arrays into one row, float64."""
    return np.concatenate([array.asnumpy().ravel() for array in arrays]).astype(np.float64)


def factor(gradient: np.ndarray, mean: np.ndarray) -> float:
    """How many times `mean` a gradient is, along the direction of `mean`."""
    return float(gradient @ mean / (mean @ mean))


def distance(gradient: np.ndarray, expected: np.ndarray) -> float:
    """How far a gradient is from the expected gradient, relative to the length of the expected."""
    return float(np.linalg.norm(gradient - expected) / np.linalg.norm(expected))


def subsets(own: np.ndarray, rng: np.random.Generator, draws: int = 20) -> dict[int, float]:
    """By number of losses used: how far their mean gradient is from the whole batch's (root mean square of draws)."""
    mean, found = own.mean(axis=0), {}
    for used in (1, 2, 4, 8, 16, 24, 32):
        chosen = [rng.choice(len(own), used, replace=False) for _ in range(draws)]
        found[used] = float(np.sqrt(np.mean([distance(own[c].mean(axis=0), mean) ** 2 for c in chosen])))
    return found


def theory(own: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Predict `subsets` by sampling without replacement: $\\sqrt{(1 - n/N)\\, s^2 / n}$ over the mean's length."""
    mean, total = own.mean(axis=0), len(own)
    variance = np.square(own - mean).sum() / (total - 1)
    return np.sqrt((1 - used / total) * variance / used) / np.linalg.norm(mean)


def _trial(seed: int) -> dict:
    net, (images,), (labels,) = start(seed, ONE)
    own = own_gradients(net, images, labels)
    net, *halves = start(seed, TWO)
    in_halves = np.concatenate([own_gradients(net, x, y) for x, y in zip(*halves, strict=True)])
    means = {1: own.mean(axis=0), 2: in_halves.mean(axis=0)}

    def judged(way: Callable, times: float = 1.0) -> dict[str, float]:
        buffers, applied = way(seed)
        mean = means[len(way.keywords["devices"])]
        return {
            "buffers": factor(buffers, mean),
            "applied": factor(applied, mean),
            "expected": times,
            "distance": distance(applied, times * mean),
        }

    return {
        "own": own,
        "ways": {name: judged(way) for name, way in WAYS.items()},
        "wrong": {name: judged(way, times) for name, (way, times) in WRONG.items()},
        "halves": distance(means[2], means[1]),
    }


def _gather(trials: list[dict]) -> dict[str, list[float]]:
    return {key: [trial[key] for trial in trials] for key in trials[0]}


def _ways_table(numbers: dict) -> Table:
    rows = [
        (way, np.mean(found["buffers"]), np.mean(found["applied"]), f"{max(found['distance']):.1e}")
        for way, found in numbers["ways"].items()
    ]
    columns = (
        "way",
        "in the buffers (× the mean)",
        "applied (× the mean)",
        "applied: distance from the mean",
    )
    return Table(
        f"The gradient of a batch of {EXAMPLES}, against the mean of the examples' own", columns, rows
    )


def _wrong_table(numbers: dict) -> Table:
    rows = [
        (way, found["expected"][0], np.mean(found["applied"]), f"{max(found['distance']):.1e}")
        for way, found in numbers["wrong"].items()
    ]
    off = np.mean(numbers["distance_by_losses_used"]["1"])
    alone = np.mean(numbers["one_loss_alone"])
    rows.append((f"one loss alone, / {EXAMPLES} (average over which)", 1 / EXAMPLES, alone, f"{off:.1f}"))
    columns = (
        "applied instead",
        "expected (× the mean)",
        "measured (× the mean)",
        "distance from that multiple",
    )
    return Table("What would not be the mean", columns, rows)


def _figure(of_losses: list[dict[int, float]], owns: list[np.ndarray]) -> Figure:
    drawing, (axes,) = figures.new()
    used = list(of_losses[0])
    figures.band(axes, used, [list(of.values()) for of in of_losses], 0, "measured, mean and 95% interval")
    fine = np.linspace(1, EXAMPLES, 200)
    expected = np.mean([theory(own, fine) for own in owns], axis=0)
    axes.plot(fine, expected, color=figures.COLOURS[1], ls="--", label="drawing without replacement")
    axes.set(xlabel=f"losses used, of {EXAMPLES}", ylabel="distance from the mean's gradient\n(relative)")
    axes.set_title("What using fewer losses would cost")
    axes.set_ylim(bottom=0)
    figures.legend(axes)
    return Figure.of(
        drawing,
        "How far the gradient of some of the batch's losses is from that of all. One loss points almost anywhere; "
        "the theory is $\\sqrt{(1 - n/N)\\, s^2 / n}$ with the variance $s^2$ of the examples' own gradients.",
    )
