"""What is not one expression: optimizers, metrics, initializers, indices, norms of large arrays. A check is a function.

It yields a Comparison for each number that it compares: what MXNet gives, what is right, and from what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from mx_notes.runtime import mx

from .formulas import FORMULAS
from .judge import Verdict, Wrong

STEPS, PARAMETERS = 5, 6


@dataclass(frozen=True)
class Comparison:
    """One comparison. cure: what is right instead, and what it gave."""

    of: str
    got: np.ndarray | float
    right: np.ndarray | float
    tolerance: float = 1e-4
    cure: str = ""
    cured: np.ndarray | float | None = None


@dataclass(frozen=True)
class Check:
    """A group of comparisons by one name."""

    name: str
    kind: str
    compare: Callable[[], Iterator[Comparison]]
    note: str = ""
    about: list[str] = field(default_factory=list)  # operators or classes

    def judge(self) -> Verdict:
        """Make the comparisons."""
        verdict = Verdict(self.name, self.about)
        try:
            for each in self.compare():
                verdict.compared += 1
                got, right = np.ravel(each.got).astype("float64"), np.ravel(each.right).astype("float64")
                if got.shape != right.shape:
                    verdict.wrong.append(
                        Wrong(
                            self.kind,
                            each.of,
                            "",
                            "",
                            "",
                            float(got.size),
                            float(right.size),
                            float("inf"),
                            _cured(each),
                        )
                    )
                    continue
                error = _error(got, right)
                if not error <= each.tolerance:
                    worst = int(np.nan_to_num(np.abs(got - right), nan=np.inf).argmax())
                    verdict.wrong.append(
                        Wrong(
                            self.kind,
                            each.of,
                            "",
                            "",
                            "",
                            float(got[worst]),
                            float(right[worst]),
                            error,
                            _cured(each),
                        )
                    )
        except Exception as error:
            verdict.refused.append(f"{type(error).__name__}: {str(error).strip().splitlines()[-1][:120]}")
        return verdict


def _error(got: np.ndarray, right: np.ndarray) -> float:
    apart = np.nan_to_num(np.abs(got - right), nan=np.inf)
    return float(apart.max(initial=0)) / max(float(np.abs(right).max(initial=0)), 1e-6)


def _cured(each: Comparison) -> dict[str, bool]:
    if not each.cure:
        return {}
    return {each.cure: _error(np.ravel(each.cured).astype("float64"), np.ravel(each.right)) <= each.tolerance}


def _optimizers() -> dict[str, dict]:
    """Each optimizer that can be made, with what its default leaves out."""
    return {
        "sgd": {"momentum": 0.9, "wd": 0.01},
        "nag": {"momentum": 0.9},
        "signum": {"momentum": 0.9},
        "adam": {"wd": 0.01},
        "adagrad": {},
        "adadelta": {},
        "rmsprop": {},
        "rmsprop centered": {"centered": True},
        "ftrl": {},
        "ftml": {},
        "adamax": {},
        "nadam": {},
        "dcasgd": {},
        "lamb": {},
        "lars": {"momentum": 0.9},
        "lbsgd": {"momentum": 0.9},
        "groupadagrad": {},
    }


def _trained(name: str, options: dict, parameters: int, aggregated: int = 0) -> np.ndarray:
    """Weights after some updates, a row a parameter; all have the same values and gradients."""
    random = np.random.default_rng(5)
    start, gradients = random.normal(size=(3, 2)), random.normal(size=(STEPS, 3, 2))
    optimizer = mx.optimizer.create(name.split()[0], learning_rate=0.05, **options)
    optimizer.aggregate_num = aggregated
    update = mx.optimizer.get_updater(optimizer)
    weights = [mx.nd.array(start) for _ in range(parameters)]
    for gradient in gradients:
        given = [mx.nd.array(gradient) for _ in weights]
        if aggregated:
            update(list(range(parameters)), given, weights)
        else:
            for index, weight in enumerate(weights):
                update(index, given[index], weight)
    return np.stack([weight.asnumpy() for weight in weights])


def _several(name: str, options: dict) -> Callable[[], Iterator[Comparison]]:
    def compare() -> Iterator[Comparison]:
        alone = _trained(name, options, 1)
        cure = _trained_apart(name, options) if name == "nadam" else None
        together = _trained(name, options, PARAMETERS)
        right = np.repeat(alone, PARAMETERS, 0)
        yield Comparison(
            "several parameters, each updated as if it were alone",
            together,
            right,
            1e-5,
            "an updater for each parameter" * (cure is not None),
            cure,
        )
        if mx.optimizer.create(name.split()[0], **options).aggregate_num:
            yield Comparison(
                "updates aggregated, each as if it were alone",
                _trained(name, options, PARAMETERS, 4),
                right,
                1e-5,
            )

    return compare


def _trained_apart(name: str, options: dict) -> np.ndarray:
    return np.concatenate([_trained(name, options, 1) for _ in range(PARAMETERS)])


def _formula(name: str) -> Callable[[], Iterator[Comparison]]:
    def compare() -> Iterator[Comparison]:
        random = np.random.default_rng(5)
        weight, gradients, state = random.normal(size=(3, 2)), random.normal(size=(STEPS, 3, 2)), {}
        for step, gradient in enumerate(gradients, 1):
            weight = FORMULAS[name](weight, gradient, state, step)
        yield Comparison(
            "one parameter, by its formula", _trained(name, _optimizers()[name], 1), weight[None], 1e-4
        )

    return compare


def _metric(name: str, **options) -> Callable[[], Iterator[Comparison]]:
    def compare() -> Iterator[Comparison]:
        random = np.random.default_rng(2)
        classes = name in (
            "Accuracy",
            "TopKAccuracy",
            "CrossEntropy",
            "NegativeLogLikelihood",
            "Perplexity",
            "F1",
            "MCC",
            "PCC",
        )
        label = random.integers(0, 2, 20).astype("float32") if classes else random.normal(size=(20, 1))
        raw = random.uniform(0.1, 0.9, size=(20, 2))
        pred = raw / raw.sum(1, keepdims=True) if classes else random.normal(size=(20, 1))
        values = []
        for sizes in ((20,), (9, 9, 2)):
            metric, begin = getattr(mx.metric, name)(**options), 0
            for size in sizes:
                part = slice(begin, begin + size)
                metric.update([mx.nd.array(label[part])], [mx.nd.array(pred[part])])
                begin += size
            values.append(metric.get()[1])
        right = {"MAE": lambda: np.abs(label - pred).mean(), "MSE": lambda: ((label - pred) ** 2).mean(), "RMSE": lambda: np.sqrt(((label - pred) ** 2).mean()), "Accuracy": lambda: (pred.argmax(1) == label).mean()}  # fmt: skip
        if name in right:
            yield Comparison("one batch, by its formula", values[0], right[name](), 1e-5)
        yield Comparison(
            "batches of 9, 9 and 2, as one batch of 20", values[1], values[0], 1e-5, "one batch", values[0]
        )

    return compare


def _large(
    expression: Callable, right: Callable, cure: str = "", cured: Callable | None = None, size: int = 10**7
) -> Callable[[], Iterator[Comparison]]:
    def compare() -> Iterator[Comparison]:
        inputs = {
            "random numbers": np.random.default_rng(1).uniform(0.1, 1, size).astype("float32"),
            "ones": np.ones(2 * size, "float32"),
        }
        for words, values in inputs.items():
            array = mx.nd.array(values)
            found = expression(array)
            answer = None if cured is None else cured(array).asnumpy()
            yield Comparison(
                f"{values.size:.0e} {words}",
                found.asnumpy(),
                right(values.astype("float64")),
                1e-3,
                cure,
                answer,
            )

    return compare


def _bilinear() -> Iterator[Comparison]:
    for width in range(2, 9):
        weight = mx.nd.zeros((1, 1, width, width))
        mx.init.Bilinear()(mx.init.InitDesc("up_weight"), weight)
        half = (width + 1) // 2
        profile = 1 - np.abs(np.arange(width) / half - (width - 1) / (2 * half))
        yield Comparison(f"width {width}", weight.asnumpy(), np.outer(profile, profile)[None, None], 1e-5)


def _masks() -> Iterator[Comparison]:
    values, mask = np.arange(1.0, 7).reshape(3, 2), np.array([True, False, True])
    rows = mx.nd.array(np.nonzero(mask)[0])
    yield Comparison(
        "mx.nd, x[NumPy's mask]",
        mx.nd.array(values)[mask].asnumpy(),
        values[mask],
        0,
        "x[np.nonzero(mask)[0]]",
        mx.nd.array(values)[rows].asnumpy(),
    )
    for words, given in (("NumPy's mask", mask), ("a mask of mx.np", mx.np.array(mask, dtype="bool"))):
        array, right = mx.np.array(values), values.copy()
        right[mask] = 9
        array[given] = 9
        other = mx.np.array(values)
        other[mx.np.array(mask, dtype="bool")] = 9
        yield Comparison(
            f"mx.np, x[{words}] = 9",
            array.asnumpy(),
            right,
            0,
            "mx.np.array(mask, dtype='bool')",
            other.asnumpy(),
        )


def _poisson() -> Iterator[Comparison]:
    pred, target = np.array([[0.1, 0.2, 0.3]]), np.array([[3.0, 2.0, 0.0]])
    many = np.maximum(target, 1)
    stirling = np.where(target > 1, target * np.log(many) - target + 0.5 * np.log(2 * np.pi * many), 0)
    loss = mx.gluon.loss.PoissonNLLLoss(compute_full=True)
    yield Comparison(
        "a count of 0",
        loss(mx.nd.array(pred), mx.nd.array(target)).asnumpy(),
        (np.exp(pred) - target * pred + stirling).mean(),
    )


def _sequence_lengths(kind: str, bidirectional: bool) -> Callable[[], Iterator[Comparison]]:
    def compare() -> Iterator[Comparison]:
        random = np.random.default_rng(1)
        x = mx.nd.array(random.normal(size=(5, 2, 3)))
        make = getattr(mx.gluon.rnn, kind)
        one = make(4, bidirectional=bidirectional, input_size=3, use_sequence_length=True)
        one.initialize(mx.init.Uniform(0.5))
        other = make(4, bidirectional=bidirectional, input_size=3)
        other.initialize()
        for mine, its in zip(one.collect_params().values(), other.collect_params().values(), strict=True):
            its.set_data(mine.data())
        _, state = one(x, one.begin_state(2), mx.nd.array([3, 5]))
        _, right = other(x[:3, :1], other.begin_state(1))
        yield Comparison(
            "the last state of a sequence of 3 among 5", state[0].asnumpy()[:, 0], right[0].asnumpy()[:, 0]
        )

    return compare


def _random_slopes() -> Iterator[Comparison]:
    """RReLU while training: each slope of a negative input lies between its bounds."""
    x = mx.nd.array(-np.arange(1.0, 13).reshape(3, 4))
    for _ in range(20):
        with mx.autograd.train_mode():
            found = mx.nd.LeakyReLU(x, act_type="rrelu", lower_bound=0.125, upper_bound=0.334)
        found = (found[0] if isinstance(found, list) else found).asnumpy()
        slopes = found / x.asnumpy()
        yield Comparison("slopes between their bounds", slopes, np.clip(slopes, 0.125, 0.334), 1e-5)


def _negative_indices() -> Iterator[Comparison]:
    x, index = mx.nd.array(np.arange(12.0).reshape(3, 4)), mx.nd.array([[0, -1], [1, -2]], dtype="int32")
    right = np.zeros((3, 4))
    right[[0, 2], [1, 2]] = 1
    found = []
    for each in (index, mx.nd.array([[0, 2], [1, 2]], dtype="int32")):
        x.attach_grad()
        with mx.autograd.record():
            y = mx.nd.gather_nd(x, each)
        y.backward()
        found.append(x.grad.asnumpy())
    yield Comparison("gradient, where an index is negative", found[0], right, 0, "indices from 0", found[1])


def _running_mean() -> Iterator[Comparison]:
    x = np.random.default_rng(1).normal(5, 3, (64, 2))
    right = x.mean(0) * (1 - 0.9**20)
    means = []
    for backward in (False, True):
        layer = mx.gluon.nn.BatchNorm(in_channels=2, momentum=0.9)
        layer.initialize()
        for _ in range(20):
            with mx.autograd.record():
                y = layer(mx.nd.array(x))
            if backward:
                y.backward()
        mx.nd.waitall()
        means.append(layer.running_mean.data().asnumpy())
    yield Comparison(
        "running mean after 20 forward passes in training mode without backward",
        means[0],
        right,
        1e-4,
        "a backward pass after each",
        means[1],
    )


def _integers() -> Iterator[Comparison]:
    values = np.array([200, 201], "uint8")
    array = mx.nd.array(values, dtype="uint8")
    for name in ("mean", "sum"):
        cured = getattr(array.astype("float32"), name)().asnumpy()
        yield Comparison(
            f"{name} of uint8",
            getattr(array, name)().asnumpy(),
            getattr(values, name)(),
            1e-5,
            "astype('float32')",
            cured,
        )


def _not_a_number() -> Iterator[Comparison]:
    values = mx.nd.array([np.nan, -1.0, 1.0])
    right = [1, 0, 0]
    cured = np.isnan(mx.nd.relu(values).asnumpy())
    yield Comparison(
        "whether relu of NaN is NaN",
        np.isnan(mx.nd.Activation(values, act_type="relu").asnumpy()),
        right,
        0,
        "F.relu(x)",
        cured,
    )


CHECKS = [
    Check("F.LeakyReLU(x, act_type='rrelu') while training", "forward", _random_slopes, about=["LeakyReLU"]),
    Check("F.gather_nd with negative indices", "gradient", _negative_indices, about=["gather_nd"]),
    Check("nn.BatchNorm without backward", "forward", _running_mean, about=["BatchNorm"]),
    Check("F.mean and F.sum of integers", "forward", _integers, about=["mean", "sum"]),
    Check("F.Activation(x, act_type='relu') of NaN", "forward", _not_a_number, about=["Activation"]),
    *[Check(f"optimizer {name}, several parameters", "optimizer", _several(name, options), about=[name.split()[0]]) for name, options in _optimizers().items()],
    *[Check(f"optimizer {name}, its formula", "optimizer", _formula(name), about=[name]) for name in FORMULAS],
    *[Check(f"metric.{name}", "metric", _metric(name, **options), about=[name]) for name, options in
      {"Accuracy": {}, "TopKAccuracy": {"top_k": 2}, "CrossEntropy": {}, "NegativeLogLikelihood": {}, "Perplexity": {"ignore_label": None}, "F1": {"average": "micro"}, "MCC": {"average": "micro"},
       "PCC": {}, "MAE": {}, "MSE": {}, "RMSE": {}, "Loss": {}, "PearsonCorrelation": {"average": "micro"}}.items()],
    Check("F.norm of large arrays, float32", "forward", _large(lambda x: x.norm(), lambda x: np.linalg.norm(x), "sqrt(sum(square(x)))", lambda x: x.square().sum().sqrt()), about=["norm"]),
    Check("multi_sum_sq of large arrays, float32", "forward", _large(lambda x: mx.nd.multi_sum_sq(x, num_arrays=1), lambda x: (x * x).sum(), "sum(square(x))", lambda x: x.square().sum()), about=["multi_sum_sq"]),
    *[Check(f"F.{name} of large arrays, float32", "forward", _large(lambda x, name=name: getattr(mx.nd, name)(x), lambda x, name=name: getattr(np, name)(x)), about=[name]) for name in ("sum", "mean", "max", "min", "nansum")],
    Check("F.cumsum of large arrays, float32", "forward", _large(lambda x: mx.nd.cumsum(x)[-1:], lambda x: x.sum(), "in float64", lambda x: mx.nd.cumsum(x.astype("float64"))[-1:]), about=["_np_cumsum"]),
    *[Check(f"np.{name} of large arrays, float32", "forward", _large(lambda x, name=name: getattr(mx.np, name)(x.as_np_ndarray()), lambda x, name=name: getattr(np, name)(x)), about=[f"_npi_{name}"]) for name in ("mean", "var", "std")],
    Check("np.linalg.norm of large arrays, float32", "forward", _large(lambda x: mx.np.linalg.norm(x.as_np_ndarray()), lambda x: np.linalg.norm(x)), about=["_npi_norm"]),
    Check("F.softmax of large arrays, float32", "forward", _large(lambda x: mx.nd.softmax(x).sum(), lambda x: np.ones(1)), about=["softmax"]),
    Check("init.Bilinear", "initializer", _bilinear, about=["Bilinear"]),
    Check("boolean masks as indices", "index", _masks, about=["__getitem__", "__setitem__"]),
    Check("gluon.loss.PoissonNLLLoss(compute_full=True)", "forward", _poisson, about=["PoissonNLLLoss"]),
    *[Check(f"rnn.{kind}(use_sequence_length=True, bidirectional={both})", "forward", _sequence_lengths(kind, both), about=["RNN"]) for kind in ("LSTM", "GRU") for both in (False, True)],
]  # fmt: skip
